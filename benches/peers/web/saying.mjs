// Cases by name, and what came of each.

export const same = (got, want) => {
  const [a, b] = [got, want].map((x) => JSON.stringify(x));
  if (a !== b) throw new Error(`${a} is not ${b}`);
};

// Something that must end with an error of that code, which says that.
export const refused = async (code, says, act) => {
  const error = await Promise.resolve()
    .then(act)
    .then(
      () => new Error("nothing went wrong"),
      (error) => error,
    );
  if (error.code !== code || !error.message.includes(says)) throw new Error(`${error.code}: ${error.message}`);
};

// A line for each: its name, and `ok` or what went wrong.
export const report = async (cases) => {
  const lines = [];
  for (const [name, act] of Object.entries(cases)) {
    const said = await act().then(
      () => "ok",
      (error) => `${error.code ?? ""} ${error.stack ?? error}`,
    );
    lines.push(`${name}: ${said}`);
  }
  return lines;
};

// What became of the cases: counts them, and says why those that did not pass did not.

/** How an error says that an operator was left out of the package. */
const LEFT_OUT = /operator '(.+?)' is in the pack '(.+?)', which this build does not have/;

/** Why a failure is none: what its operator lacks here, or what a list of exceptions says. */
const excuse = (failure, reason) => {
  const [, operator, pack] = (failure.code === "unsupported" && LEFT_OUT.exec(failure.message)) || [];
  return operator ? `${operator}, of the pack '${pack}', which the package leaves out` : reason;
};

/** Takes outcomes by `count(name, failure)`, and tells them all by `end()`, which gives whether none failed. */
export const tally = (exceptions, listFailures) => {
  let passed = 0;
  const failures = [];
  const skipped = new Map();
  const count = (name, failure) => {
    const reason = exceptions.get(name);
    const excused = failure && excuse(failure, reason);
    if (excused) {
      skipped.set(excused, (skipped.get(excused) ?? 0) + 1);
    } else if (failure || reason) {
      const why = failure
        ? `${failure.code}: ${failure.message}`
        : "it passes; strike it from the exceptions";
      failures.push(name);
      console.log(listFailures ? name : `FAILED  ${name}\n        ${why.replaceAll("\n", "\n        ")}`);
    } else {
      passed += 1;
    }
  };
  const end = () => {
    const reasons = [...skipped].sort(([a], [b]) => a.localeCompare(b));
    for (const [reason, times] of reasons) console.log(`skipped ${times}: ${reason}`);
    const sum = reasons.reduce((sum, [, times]) => sum + times, 0);
    console.log(`\n${passed} passed, ${failures.length} failed, ${sum} skipped`);
    return failures.length === 0 && passed > 0;
  };
  return { count, end };
};

// The table as a page.
import type { Row, State } from "./row";
import { TABLE } from "./table";

const STATES: Record<State, string> = {
  works: "Works",
  nothing: "Taken, changes nothing",
  refused: "Refused by name",
  absent: "Not there",
  own: "Added",
};

const INTRODUCTION = `# What onnxruntime-web has

<!-- Made by \`node tests/compat/page.mjs\` in \`web\` of \`web/tests/compat/table\`. -->

Every member of the public interface of onnxruntime-common 1.30, and what becomes of it here. Each line has a check that proves it in Chromium, and a member without a line fails the tests. *Taken, changes nothing* is for what results do not depend on.
`;

const cells = ({ members, state, note = "" }: Row): string => {
  const names = members.map((name) => `\`${name}\``).join(", ");
  return `| ${names} | ${STATES[state]} | ${note} |`;
};

/** The page. */
export const page = (): string => {
  const parts = TABLE.map(
    ({ title, rows }) =>
      `\n## ${title}\n\n| Member | State | |\n|---|---|---|\n${rows.map(cells).join("\n")}\n`,
  );
  return INTRODUCTION + parts.join("");
};

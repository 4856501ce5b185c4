/**
 * docs/reference/web.md, from the declarations that `npm run build` writes: every public name, its comment, its type.
 *
 *     node scripts/reference.mjs            # write it
 *     node scripts/reference.mjs --check    # fail if it is not what would be written
 */

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const PAGE = fileURLToPath(new URL("../../../docs/reference/web.md", import.meta.url));
const { exports } = JSON.parse(readFileSync(`${ROOT}package.json`, "utf8"));
const ENTRIES = Object.entries(exports).map(([entry, { types }]) => [`fpm-edge${entry.slice(1)}`, ROOT + types]);

const program = ts.createProgram(
  ENTRIES.map(([, file]) => file),
  { module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext, noLib: true, types: [] },
);
const checker = program.getTypeChecker();

/** A comment as a paragraph, and its tags as a list. */
function comment(node) {
  const text = (part) => ts.getTextOfJSDocComment(part) ?? "";
  const docs = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc);
  const said = docs.map((doc) => text(doc.comment)).join("\n\n");
  const tags = docs
    .flatMap((doc) => [...(doc.tags ?? [])])
    .map(
      (tag) =>
        `- ${tag.tagName.text}${tag.name ? ` \`${tag.name.getText()}\`` : ""}: ${text(tag.comment).replace(/\s+/g, " ")}`,
    );
  return [said, tags.join("\n")].filter(Boolean).join("\n\n");
}

/** The declaration without its own comment, and without what TypeScript only needs for itself. */
function declaration(node) {
  const statement = ts.isVariableDeclaration(node) ? node.parent.parent : node;
  const source = statement.getText().replace(/^export (declare )?/, "");
  return source.replace(/^\s*(private|#private).*;\n/gm, "").replace(/\n\s*\n/g, "\n");
}

const lines = [
  "# The web runtime's API",
  "",
  "Made from the types of `runtime/web` by `npm run reference`. How to use it: [the guide](../web.md).",
  "",
];
for (const [entry, file] of ENTRIES) {
  lines.push(`## ${entry}`, "");
  const module = checker.getSymbolAtLocation(program.getSourceFile(file));
  const names = checker.getExportsOfModule(module).sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const name of names) {
    const symbol = name.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(name) : name;
    const node = symbol.declarations[0];
    const said = comment(ts.isVariableDeclaration(node) ? node.parent.parent : node);
    lines.push(`### ${name.name}`, "", ...(said ? [said, ""] : []), "```ts", declaration(node), "```", "");
  }
}
const page = lines.join("\n");
if (process.argv.includes("--check")) {
  if (readFileSync(PAGE, "utf8") !== page) {
    console.error("docs/reference/web.md is not what the types say; run: npm run reference");
    process.exit(1);
  }
} else {
  writeFileSync(PAGE, page);
}

/** Who imports whom in `src/`, read with the TypeScript parser. */

import { posix } from "node:path";
import ts from "typescript";

/** A file of `src/`; `path` is relative to it, with forward slashes. */
export type Source = { path: string; text: string };

/** `to` is a path as in `Source`, or a bare name such as `zod` or `node:fs`. */
export type Import = { from: string; to: string; typeOnly: boolean };

/**
 * Every import of a file: statements, re-exports, `import()` of a literal and types written `import("…")`.
 * `import { type A } from` counts as a value import, because Node loads the module for it all the same.
 */
export function importsOf(source: Source): Import[] {
  const found: Import[] = [];
  const add = (specifier: ts.Node | undefined, typeOnly: boolean): void => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return;
    found.push({ from: source.path, to: targetOf(source.path, specifier.text), typeOnly });
  };
  visit(parse(source), (node) => {
    if (ts.isImportDeclaration(node)) {
      add(node.moduleSpecifier, node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword);
    } else if (ts.isExportDeclaration(node)) {
      add(node.moduleSpecifier, node.isTypeOnly);
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node.arguments[0], false);
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(node.argument.literal, true);
    }
  });
  return found;
}

/** Whether a file reads the environment: `process.env`, `process["env"]`, `{ env } = process`, `env` of `node:process`. */
export function readsEnvironment(source: Source): boolean {
  let reads = false;
  visit(parse(source), (node) => {
    if (ts.isPropertyAccessExpression(node)) reads ||= isProcess(node.expression) && node.name.text === "env";
    if (ts.isElementAccessExpression(node)) {
      reads ||= isProcess(node.expression) && node.argumentExpression.getText().slice(1, -1) === "env";
    }
    if (ts.isVariableDeclaration(node) && node.initializer && isProcess(node.initializer)) {
      reads ||= /\benv\b/.test(node.name.getText());
    }
    if (ts.isImportDeclaration(node) && /^["'](?:node:)?process["']$/.test(node.moduleSpecifier.getText())) {
      reads ||= /\benv\b/.test(node.importClause?.getText() ?? "");
    }
  });
  return reads;
}

/** Import cycles over value imports, each once, as the files on the way round. */
export function cyclesOf(imports: readonly Import[]): string[][] {
  const next = new Map<string, string[]>();
  for (const { from, to, typeOnly } of imports) if (!typeOnly) next.set(from, [...(next.get(from) ?? []), to]);
  const cycles: string[][] = [];
  const done = new Set<string>();
  const walk = (file: string, way: string[]): void => {
    const at = way.indexOf(file);
    if (at >= 0) cycles.push([...way.slice(at), file]);
    if (at >= 0 || done.has(file)) return;
    for (const to of next.get(file) ?? []) walk(to, [...way, file]);
    done.add(file);
  };
  for (const file of next.keys()) walk(file, []);
  return cycles;
}

function targetOf(from: string, specifier: string): string {
  return specifier.startsWith(".") ? posix.join(posix.dirname(from), specifier) : specifier;
}

function isProcess(node: ts.Expression): boolean {
  return /^(?:globalThis\??\.)?process$/.test(node.getText());
}

function parse({ path, text }: Source): ts.SourceFile {
  return ts.createSourceFile(path, text, ts.ScriptTarget.ESNext, true);
}

function visit(node: ts.Node, see: (node: ts.Node) => void): void {
  see(node);
  ts.forEachChild(node, (child) => visit(child, see));
}

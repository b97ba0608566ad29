/** The public API as one text: every export of `src/index.ts`, and every type of ours that those are made of. */

import { join } from "node:path";
import ts from "typescript";

export type RolledUp = {
  /** Sorted. */
  values: string[];
  types: string[];
  /** Declarations without comments, exports first, each group by name. */
  text: string;
};

/** Emits declarations in memory, as the build does, and reads them with the checker. Throws what the compiler says. */
export function rollUp(root: string): RolledUp {
  const index = join(root, "src", "index.ts");
  const options = optionsIn(root);
  const emitted = emitDeclarations(index, options);
  const program = ts.createProgram([declarationOf(index)], { ...options, noEmit: true }, hostOver(emitted, options));
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(declarationOf(index));
  const module = source === undefined ? undefined : checker.getSymbolAtLocation(source);
  if (module === undefined) throw new Error(`${index} exports nothing`);

  const exported = new Map(checker.getExportsOfModule(module).map((symbol) => [symbol.name, resolve(checker, symbol)]));
  const ours = (symbol: ts.Symbol) =>
    symbol.declarations?.some((each) => emitted.has(normal(each.getSourceFile().fileName))) === true;
  const inner = reachable(checker, [...exported.values()], ours);
  const names = (flag: ts.SymbolFlags) =>
    [...exported]
      .filter(([, symbol]) => (symbol.flags & flag) !== 0)
      .map(([name]) => name)
      .sort();
  return {
    values: names(ts.SymbolFlags.Value),
    types: names(ts.SymbolFlags.Type),
    text: [
      ...[...exported].sort(byName).map(([name, symbol]) => print(name, symbol)),
      "// What these are made of; not exported by name.",
      ...[...inner]
        .map((symbol): [string, ts.Symbol] => [symbol.name, symbol])
        .sort(byName)
        .map(([name, symbol]) => print(name, symbol)),
      "",
    ].join("\n\n"),
  };
}

function optionsIn(root: string): ts.CompilerOptions {
  const file = join(root, "tsconfig.build.json");
  const { config, error } = ts.readConfigFile(file, (path) => ts.sys.readFile(path)) as {
    config: unknown;
    error?: ts.Diagnostic;
  };
  if (error !== undefined) throw new Error(messageOf(error));
  return ts.parseJsonConfigFileContent(config, ts.sys, root).options;
}

function emitDeclarations(index: string, options: ts.CompilerOptions): Map<string, string> {
  const emitted = new Map<string, string>();
  // Beside their sources, so that the names in them lead from one to the next.
  const { outDir: _beside, rootDir: _any, ...rest } = options;
  const program = ts.createProgram([index], { ...rest, emitDeclarationOnly: true });
  const { diagnostics } = program.emit(undefined, (path, text) => void emitted.set(normal(path), text));
  const [fault] = diagnostics;
  if (fault !== undefined) throw new Error(messageOf(fault));
  return emitted;
}

function hostOver(emitted: Map<string, string>, options: ts.CompilerOptions): ts.CompilerHost {
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  const isSource = (path: string) => emitted.has(normal(path).replace(/\.ts$/, ".d.ts"));
  return {
    ...host,
    // A source would be taken before the declaration beside it.
    fileExists: (path) => emitted.has(normal(path)) || (!isSource(path) && fileExists.call(host, path)),
    readFile: (path) => emitted.get(normal(path)) ?? readFile.call(host, path),
    getSourceFile: (path, version, ...more) => {
      const text = emitted.get(normal(path));
      return text === undefined
        ? getSourceFile.call(host, path, version, ...more)
        : ts.createSourceFile(path, text, version, true);
    },
  };
}

/** Symbols of ours that the declarations name, and those that these name, but not `from` themselves. */
function reachable(checker: ts.TypeChecker, from: ts.Symbol[], ours: (symbol: ts.Symbol) => boolean): Set<ts.Symbol> {
  const seen = new Set(from);
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) {
      const found = checker.getSymbolAtLocation(node);
      const symbol = found === undefined ? undefined : resolve(checker, found);
      if (symbol !== undefined && isTopLevel(symbol) && ours(symbol) && !seen.has(symbol)) {
        seen.add(symbol);
        symbol.declarations?.forEach(visit);
      }
    }
    ts.forEachChild(node, visit);
  };
  for (const symbol of from) symbol.declarations?.forEach(visit);
  for (const symbol of from) seen.delete(symbol);
  return seen;
}

function isTopLevel(symbol: ts.Symbol): boolean {
  return (
    symbol.declarations?.some((each) => ts.isSourceFile(statementOf(each).parent)) === true && !isTypeParameter(symbol)
  );
}

function isTypeParameter(symbol: ts.Symbol): boolean {
  return (symbol.flags & ts.SymbolFlags.TypeParameter) !== 0;
}

function print(name: string, symbol: ts.Symbol): string {
  const statements = new Set((symbol.declarations ?? []).map(statementOf));
  const text = [...statements].map((node) => PRINTER.printNode(ts.EmitHint.Unspecified, node, node.getSourceFile()));
  return [...(symbol.name === name ? [] : [`// ${name} is`]), ...text].join("\n");
}

/** A constant's declaration is inside a list inside a statement. */
function statementOf(declaration: ts.Node): ts.Node {
  return ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
}

function resolve(checker: ts.TypeChecker, symbol: ts.Symbol): ts.Symbol {
  return (symbol.flags & ts.SymbolFlags.Alias) === 0 ? symbol : checker.getAliasedSymbol(symbol);
}

function declarationOf(source: string): string {
  return normal(source).replace(/\.ts$/, ".d.ts");
}

function normal(path: string): string {
  return path.replaceAll("\\", "/");
}

function messageOf(diagnostic: ts.Diagnostic): string {
  return ts.flattenDiagnosticMessageText(diagnostic.messageText, "\n");
}

function byName([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

const PRINTER = ts.createPrinter({ removeComments: true, newLine: ts.NewLineKind.LineFeed });

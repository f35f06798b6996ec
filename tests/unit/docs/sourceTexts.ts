import * as fs from "node:fs";
import * as path from "node:path";
import * as ts from "typescript";

/** Stands for an expression inside a text. */
export const GAP = "\0";

const SKIPPED = new Set(["bin", "node_modules", "sdks", "go"]);

/**
 * Every text of the sources under some folders. Texts that are added up are one, and expressions in
 * them are {@link GAP}.
 */
export function sourceTexts(
  root: string,
  folders: readonly string[],
): string[] {
  return folders
    .flatMap((folder) => sourceFiles(path.join(root, folder)))
    .flatMap((file) =>
      textsOf(
        ts.createSourceFile(
          file,
          fs.readFileSync(file, "utf8"),
          ts.ScriptTarget.ES2022,
          true,
        ),
      ),
    );
}

function sourceFiles(folder: string): string[] {
  return fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const inner = path.join(folder, entry.name);
    if (entry.isDirectory()) {
      return SKIPPED.has(entry.name) ? [] : sourceFiles(inner);
    }
    return /\.m?ts$|\.mjs$/.test(entry.name) ? [inner] : [];
  });
}

function textsOf(source: ts.SourceFile): string[] {
  const texts: string[] = [];
  const visit = (node: ts.Node): void => {
    const text = textOf(node);
    if (text !== undefined) {
      texts.push(text);
    }
    // What stands inside a text is looked at too: a condition may hold texts of its own.
    ts.forEachChild(node, visit);
  };
  visit(source);
  return texts;
}

function textOf(node: ts.Node): string | undefined {
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) {
    return node.text;
  }
  if (ts.isTemplateExpression(node)) {
    return (
      node.head.text +
      node.templateSpans.map(({ literal }) => GAP + literal.text).join("")
    );
  }
  if (ts.isParenthesizedExpression(node)) {
    return textOf(node.expression);
  }
  if (
    ts.isBinaryExpression(node) &&
    node.operatorToken.kind === ts.SyntaxKind.PlusToken
  ) {
    const [left, right] = [textOf(node.left), textOf(node.right)];
    return left === undefined && right === undefined
      ? undefined
      : (left ?? GAP) + (right ?? GAP);
  }
  return undefined;
}

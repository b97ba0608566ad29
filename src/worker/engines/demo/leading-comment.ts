/** The first sentence a file says about itself. */

/** Undefined when the file doesn't begin with a comment (or, in Markdown, with a paragraph) in words. */
export function leadingSentence(path: string, text: string): string | undefined {
  const head = text.slice(0, HEAD_CHARS);
  const paragraphs = /\.(md|mdx|markdown|rst|txt)$/i.test(path) ? proseOf(head) : commentsOf(head);
  const paragraph = paragraphs
    .map((part) => part.replace(/\s+/g, " ").trim().slice(0, PARAGRAPH_CHARS))
    .find(saysSomething);
  return paragraph === undefined ? undefined : firstSentence(paragraph);
}

function proseOf(text: string): string[] {
  return text
    .replace(/^---\n[\s\S]*?\n---\n/, "")
    .split(/\n\s*\n/)
    .map((part) => part.replace(/^#.*$/gm, "").replace(/^[=\-~*]{3,}$/gm, ""))
    .filter((part) => !/^\s*(<|!\[|\[!|```|\||>|[-*+] )/.test(part));
}

/** Comments before the first line of code, each cut at its first empty line or tag. */
function commentsOf(text: string): string[] {
  const comments: string[] = [];
  let rest = text.replace(/^\uFEFF?(#!.*\n)?/, "");
  for (;;) {
    rest = rest.replace(/^(\s+|["']use \w+["'];?|<\?php|<!doctype[^>]*>)+/i, "");
    const found = STYLES.map(({ whole }) => whole.exec(rest)?.[0]).findIndex((match) => match !== undefined);
    const style = STYLES[found];
    const match = style?.whole.exec(rest)?.[0];
    if (style === undefined || match === undefined) return comments;
    comments.push(firstParagraph(match.replace(style.ends, "").replace(style.margin, "")));
    rest = rest.slice(match.length);
  }
}

function firstParagraph(comment: string): string {
  const words = comment.replace(/^[^\p{L}\n]{3,}$/gmu, "").replace(/^\s*\\\n/, "");
  return words.trim().split(/\n[^\S\n]*\n|^\s*[@\\]\w+/m)[0] ?? "";
}

/** Licence headers and orders to tools come before what a file says of itself. */
function saysSomething(paragraph: string): boolean {
  const boilerplate =
    /copyright|licen[cs]e|SPDX|all rights reserved|eslint|prettier|@ts-|vim:|-\*-|^<reference|^global\b|noinspection/i;
  return /\p{L}{2}.*\s.*\p{L}{2}/u.test(paragraph) && !boilerplate.test(paragraph);
}

function firstSentence(paragraph: string): string {
  const end = /[.!?](?=\s+\p{Lu}|\s*$)/u.exec(paragraph);
  const first = end ? paragraph.slice(0, end.index + 1) : paragraph;
  return first.length > LONGEST ? `${first.slice(0, LONGEST).trim()}…` : first;
}

/** `ends`: what opens and closes the comment · `margin`: what stands before each of its lines. */
const STYLES = [
  { whole: /^\/\*[\s\S]*?\*\//, ends: /^\/\*+!?|\*+\/$/g, margin: /^[^\S\n]*\*[^\S\n]?/gm },
  { whole: /^(\/\/.*(\n\s*|$))+/, ends: /^$/, margin: /^[^\S\n]*\/\/[/!]?/gm },
  { whole: /^("""[\s\S]*?"""|'''[\s\S]*?''')/, ends: /^["']{3}|["']{3}$/g, margin: /^[^\S\n]+/gm },
  { whole: /^(#(?!include|define|if|pragma|import|!?\[).*(\n\s*|$))+/, ends: /^$/, margin: /^[^\S\n]*#+/gm },
  { whole: /^(--.*(\n\s*|$))+/, ends: /^$/, margin: /^[^\S\n]*--+/gm },
  { whole: /^<!--[\s\S]*?-->/, ends: /^<!--|-->$/g, margin: /^$/ },
];

const LONGEST = 180;
/** Bounds for the patterns above: a file may be made to keep them busy. */
const HEAD_CHARS = 10_000;
const PARAGRAPH_CHARS = 600;

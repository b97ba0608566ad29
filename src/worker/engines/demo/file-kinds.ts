/** What a path's name says of the file. */

export function extensionOf(path: string): string {
  return /[^/]\.([^./]+)$/.exec(path)?.[1]?.toLowerCase() ?? "";
}

export function isCode(path: string): boolean {
  return CODE.has(extensionOf(path));
}

export function isBinary(path: string): boolean {
  return BINARY.has(extensionOf(path));
}

/** Named like a test in one of the usual ways. */
export function isTestName(path: string): boolean {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return (
    isCode(path) &&
    (/[._-](test|spec)s?\.\w+$/i.test(name) ||
      /^test_.*\.py$/.test(name) ||
      /Tests?\.(java|kt|cs|swift|php|scala)$/.test(name))
  );
}

export function isInTestFolder(path: string): boolean {
  return /(^|\/)(tests?|specs?|__tests__)\//.test(path);
}

const CODE = new Set(
  (
    "ts tsx mts cts js jsx mjs cjs py pyi rb go rs java kt kts scala groovy c h cc cpp cxx hpp hh m mm cs fs swift dart php pl pm lua r jl " +
    "ex exs erl hs ml mli clj cljs lisp el vim sh bash zsh fish ps1 sql vue svelte astro zig nim d v sol tcl f90 asm s proto"
  ).split(" "),
);

const BINARY = new Set(
  (
    "png jpg jpeg gif webp avif ico bmp tiff pdf zip gz tgz bz2 xz zst 7z rar jar war class o a so dll dylib exe bin wasm node " +
    "woff woff2 ttf otf eot mp3 mp4 m4a mov avi mkv wav ogg flac sqlite db parquet npy npz pt onnx pyc"
  ).split(" "),
);

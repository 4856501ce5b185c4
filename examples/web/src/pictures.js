// From a file, the clipboard or the page's sample to an upright ImageBitmap.

/** What a file is by its type; browsers leave it empty for names that they do not know. */
export function kindOf(file) {
  if (file.type.startsWith("image/")) return "picture";
  if (file.type.startsWith("video/")) return "video";
  return file.name?.endsWith(".fpm") ? "bundle" : "unknown";
}

/**
 * @param {Blob} file
 * @returns {Promise<ImageBitmap>} upright by its EXIF; colour profiles are left aside, as the Python runtime does
 * @throws Error with a message for people
 */
export async function readPicture(file) {
  try {
    return await createImageBitmap(file, { colorSpaceConversion: "none" });
  } catch {
    const name = file.name ? `“${file.name}”` : "That";
    throw new Error(`${name} is no picture that this browser can read; try a PNG, JPEG or WebP file.`);
  }
}

/** Call `take(file)` for every file that is dropped on or pasted into the page. */
export function onFiles(target, take) {
  const files = (event) => [...((event.dataTransfer ?? event.clipboardData)?.files ?? [])];
  for (const kind of ["dragenter", "dragover"]) {
    document.addEventListener(kind, (event) => {
      event.preventDefault();
      target.classList.add("over");
    });
  }
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) target.classList.remove("over");
  });
  for (const kind of ["drop", "paste"]) {
    document.addEventListener(kind, (event) => {
      target.classList.remove("over");
      if (kind === "drop") event.preventDefault();
      const [first] = files(event);
      if (first) take(first);
    });
  }
}

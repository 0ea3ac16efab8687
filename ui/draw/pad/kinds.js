// What a file is, by its first bytes: a file without an ending has no type, and others have a wrong one.

const HEAD_BYTES = 32;
const BEGINNINGS = [
  ["image/png", /^\x89PNG\r\n\x1a\n/],
  ["image/jpeg", /^\xff\xd8\xff/],
  ["image/gif", /^GIF8[79]a/],
  ["image/webp", /^RIFF[^]{4}WEBP/],
  ["image/bmp", /^BM[^]{4}\0{4}/],
  ["image/tiff", /^(II[*+]\0|MM\0[*+])/],
  ["image/avif", /^[^]{4}ftyp(avif|avis)/],
  ["image/heic", /^[^]{4}ftyp(he[iv][cmxs]|mif1|msf1)/],
  ["image/x-portable-anymap", /^P[1-7]\s/],
];
// A PNG's header says so: 16 bits a value, and grey.
const DEEP_GREY = /^\x89PNG[^]{20}\x10\0/;

// Return the first bytes of a file, a character each.
export async function headOf(file) {
  const head = file.slice(0, HEAD_BYTES).arrayBuffer();
  const bytes = new Uint8Array(await head.catch(() => new ArrayBuffer(0))); // it may not be read: it begins as nothing
  return String.fromCharCode(...bytes);
}

// Return a picture's media type, "" for what begins as none.
export function kindOf(head) {
  return BEGINNINGS.find(([, beginning]) => beginning.test(head))?.[0] ?? "";
}

// Tell whether a picture has more levels of grey than screens show: scanners fill few of them, and the API spreads those.
export const isDeepGrey = (head) => DEEP_GREY.test(head);

// Tell whether a file is a picture, also where its name does not say so.
export async function isPicture(file) {
  return file.type.startsWith("image/") || /\.hei[cf]$/i.test(file.name) || (!file.type && kindOf(await headOf(file)) !== "");
}

// Return the pictures among files, in their order.
export async function picturesAmong(files) {
  const found = [];
  for (const file of files) if (await isPicture(file)) found.push(file);
  return found;
}

// The pictures in folders that were dropped.

import { picturesAmong } from "./kinds.js";

// Return what was dropped where a folder is among it, else null. Browsers say it only while the drop is handled.
export function foldersIn(dataTransfer) {
  const entries = Array.from(dataTransfer?.items ?? [], (item) => item.webkitGetAsEntry?.()).filter(Boolean);
  return entries.some((entry) => entry.isDirectory) ? entries : null;
}

// Return the pictures in these, each folder's by their names; hidden files and what is no picture are left out.
export async function picturesIn(entries) {
  const found = [];
  const byName = [...entries].sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
  for (const entry of byName) {
    if (entry.name.startsWith(".")) continue;
    if (entry.isDirectory) found.push(...(await picturesIn(await childrenOf(entry))));
    else found.push(...(await picturesAmong(await fileOf(entry))));
  }
  return found;
}

async function childrenOf(folder) {
  const reader = folder.createReader();
  const children = [];
  for (;;) {
    // A hundred at a time, and none once there are no more.
    const some = await new Promise((resolve) => { reader.readEntries(resolve, () => resolve([])); });
    if (some.length === 0) return children;
    children.push(...some);
  }
}

function fileOf(entry) {
  return new Promise((resolve) => { entry.file((file) => resolve([file]), () => resolve([])); });
}

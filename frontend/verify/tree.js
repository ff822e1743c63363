// The tree of RFC 6962: its root, and a proof that a leaf is in it (RFC 9162, section 2.1.3.2).
import { join, sameBytes } from "./bytes.js";

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

export const leafHash = (suite, line) => suite.hash(join(LEAF, line));

export async function treeRoot(suite, lines) {
  let level = await suite.many(lines.map((line) => join(LEAF, line)));
  while (level.length > 1) {
    const pairs = [];
    for (let i = 0; i + 1 < level.length; i += 2) pairs.push(join(NODE, level[i], level[i + 1]));
    const odd = level.length % 2 ? [level[level.length - 1]] : [];
    level = [...(await suite.many(pairs)), ...odd]; // an odd last one moves up unchanged
  }
  return level[0];
}

export async function isIncluded(suite, leaf, index, size, proof, root) {
  if (!(index >= 0 && index < size)) return false;
  let node = index;
  let last = size - 1;
  let found = leaf;
  for (const sibling of proof) {
    if (last === 0) return false;
    if (node % 2 || node === last) {
      found = await suite.hash(join(NODE, sibling, found));
      while (node % 2 === 0 && node) {
        node /= 2;
        last = Math.floor(last / 2);
      }
    } else {
      found = await suite.hash(join(NODE, found, sibling));
    }
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 && sameBytes(found, root);
}

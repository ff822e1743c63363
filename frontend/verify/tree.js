// The tree of RFC 6962: its root, and a proof that a leaf is in it (RFC 9162, section 2.1.3.2).
import { join, sameBytes, utf8 } from "./bytes.js";

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

export const leafHash = (suite, line) => suite.hash(join(LEAF, line));

// lines: as texts. One flat array holds a level; the next is written over it.
export function treeRoot(suite, lines) {
  const [leaf, node] = [suite.after(LEAF), suite.after(NODE)];
  const level = new Uint8Array(32 * lines.length);
  const at = (i, count = 1) => level.subarray(32 * i, 32 * (i + count));
  lines.forEach((line, i) => leaf(utf8(line), at(i)));
  for (let size = lines.length; size > 1; size = Math.ceil(size / 2)) {
    for (let i = 0; 2 * i + 1 < size; i++) node(at(2 * i, 2), at(i));
    if (size % 2) at((size - 1) / 2).set(at(size - 1)); // an odd last one moves up unchanged
  }
  return at(0);
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

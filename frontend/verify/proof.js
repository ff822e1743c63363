// The page /q/<code>/: is this file the one that was issued? Computed here; the file never leaves the machine.
import { sha256 } from "@noble/hashes/sha2.js";
import { hex } from "./bytes.js";

const root = document.getElementById("proof");
if (root) {
  const part = (name) => root.querySelector(`[data-part="${name}"]`);
  const show = (name) => {
    for (const each of ["same", "other", "failed"]) part(each).hidden = each !== name;
  };
  root.querySelector('input[type="file"]').addEventListener("change", async (event) => {
    const file = event.target.files[0];
    if (!file) return show("");
    try {
      // Not crypto.subtle, which a page that came without TLS does not have.
      const found = hex(sha256(new Uint8Array(await file.arrayBuffer())));
      part("found").textContent = found;
      show(found === root.dataset.sha256 ? "same" : "other");
    } catch {
      show("failed");
    }
  });
}

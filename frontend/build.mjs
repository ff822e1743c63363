// Bundles css/ and js/ into the web shell's static folder and writes BUILD.json: the sha256 of every source and output.
// The test tests/web/common/test_static_build.py refuses a source that was changed without a new build.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "../src/zhunsheng/web/static");
const sha256 = (path) => createHash("sha256").update(readFileSync(path)).digest("hex");

const common = {
  absWorkingDir: here,
  outdir: out,
  bundle: true,
  minify: true,
  target: ["chrome100", "firefox100", "safari15.4"],
  logLevel: "info",
};

await build({ ...common, entryPoints: { zhunsheng: "css/main.css" } });
await build({ ...common, entryPoints: { zhunsheng: "js/main.js" }, format: "iife" });

// The verifier: the page's part, and the worker with the one library it takes from elsewhere, under its own licence.
const licence = (name) => readFileSync(join(here, "../node_modules", name, "LICENSE"), "utf8").trim();
await build({
  ...common,
  entryPoints: { verify: "verify/page.js", "verify-worker": "verify/worker.js", commitment: "verify/commitment.js", proof: "verify/proof.js" },
  format: "iife",
  legalComments: "none",
});
for (const [name, used] of Object.entries({ "verify-worker.js": ["@noble/curves", "@noble/hashes"], "commitment.js": ["@noble/hashes"], "proof.js": ["@noble/hashes"] })) {
  const file = join(out, name);
  const licences = used.map((one) => `${one}: ${licence(one)}`).join("\n\n");
  writeFileSync(file, `/*! ${licences.replaceAll("*/", "* /")} */\n${readFileSync(file, "utf8")}`);
}

const sources = ["css", "js", "verify"].flatMap((folder) => readdirSync(join(here, folder)).map((name) => `${folder}/${name}`));
const listed = (names, folder) => Object.fromEntries(names.sort().map((name) => [name, sha256(join(folder, name))]));
const record = {
  built_by: "npm run build",
  sources: listed([...sources, "build.mjs"], here),
  outputs: listed(["zhunsheng.css", "zhunsheng.js", "verify.js", "verify-worker.js", "commitment.js", "proof.js"], out),
};
writeFileSync(join(out, "BUILD.json"), JSON.stringify(record, null, 2) + "\n");

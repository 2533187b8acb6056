// Opens a page in headless Chromium some times and prints how long each took, in seconds, from the request to the first
// frame behind the load event:
//   node open.mjs <folder with node_modules> <chromium> <page> <times>
import { createRequire } from "node:module";
import { join } from "node:path";

const [modules, chromium, page, times] = process.argv.slice(2);
const need = createRequire(join(modules, "package.json"));
const browser = await need("playwright-core").chromium.launch({
  executablePath: chromium,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});
for (let i = 0; i < Number(times); i++) {
  const context = await browser.newContext({ viewport: { width: 1366, height: 768 } });
  const tab = await context.newPage();
  const begin = performance.now();
  await tab.goto("file://" + page, { waitUntil: "load" });
  await tab.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  console.log(((performance.now() - begin) / 1000).toFixed(3));
  await context.close();
}
await browser.close();

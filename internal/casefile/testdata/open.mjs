// open.mjs MODULES CHROMIUM PAGE...: opens pages, prints what they did that a page of ours must not do.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [modules, executablePath, ...pages] = process.argv.slice(2);
const { chromium } = createRequire(modules + '/')('playwright-core');
const browser = await chromium.launch({
  executablePath,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
let faults = 0;
const fault = (s) => { faults++; console.log(s); };
for (const file of pages) {
  const page = await browser.newPage({ viewport: { width: 1366, height: 768 } });
  page.on('dialog', async (d) => { fault('dialog ' + d.message()); await d.dismiss(); });
  page.on('request', (r) => { if (!r.url().startsWith('file:') && !r.url().startsWith('data:')) fault('request ' + r.url()); });
  page.on('pageerror', (e) => fault('error ' + e));
  page.on('console', (m) => { if (m.type() === 'error') fault('console ' + m.text()); });
  await page.goto(pathToFileURL(file).href);
  await page.waitForTimeout(300);
  for (const s of await page.evaluate(() => {
    const out = [];
    for (const e of document.querySelectorAll('*')) {
      for (const a of e.attributes) {
        if (a.name.startsWith('on')) out.push('handler ' + a.name);
        if ((a.name === 'href' || a.name === 'src') && !/^#/.test(a.value)) out.push(a.name + ' ' + a.value.slice(0, 80));
      }
    }
    if (document.querySelectorAll('script').length > 1) out.push('scripts ' + document.querySelectorAll('script').length);
    for (const t of ['iframe', 'object', 'embed', 'img', 'link', 'base', 'form', 'input']) if (document.querySelector(t)) out.push('element ' + t);
    return out;
  })) fault(s);
  await page.close();
}
await browser.close();
console.log(faults === 0 ? 'harmless' : faults + ' faults');

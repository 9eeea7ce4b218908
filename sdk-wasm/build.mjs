// Bundles the script and the core into `dist`; run by `cargo xtask wasm`, which compiles the core first.
//
// usage: node build.mjs CORE_BG_JS CORE_BG_WASM
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import * as esbuild from 'esbuild';

process.chdir(import.meta.dirname);
const [glue, module] = process.argv.slice(2);
const generated = 'js/generated';
const dist = 'dist';
const types = 'js/generated/types';
const bin = (name) => `node_modules/.bin/${name}`;

rmSync(generated, { recursive: true, force: true });
rmSync(dist, { recursive: true, force: true });
mkdirSync(generated, { recursive: true });
mkdirSync(dist, { recursive: true });

// The glue throws where the core could only trap; both end in the raw path.
const views = readFileSync(glue, 'utf8');
// Where memory has grown, the views of it are old: WebAssembly empties and marks those, plain JavaScript leaves them as
// they were. So each is asked whose it is.
const current = views
  .replace(/(\w+)\.buffer\.detached === true \|\| \(\1\.buffer\.detached === undefined && (\1\.buffer !== wasm\.memory\.buffer)\)/, '$2')
  .replace(/(\w+)\.byteLength === 0/, '$1.buffer !== wasm.memory.buffer');
const count = (pattern) => current.match(pattern)?.length ?? 0;
if (count(/new (Uint8Array|DataView)\(wasm\.memory\.buffer\)/g) != 2 || count(/=== null \|\| \w+\.buffer !== wasm\.memory\.buffer\)/g) != 2)
  throw new Error('the glue does not look at its memory as it did');
writeFileSync(`${generated}/core_bg.js`, current);
const features = ['--enable-bulk-memory', '--enable-bulk-memory-opt', '--enable-sign-ext', '--enable-nontrapping-float-to-int'];
const strip = ['--strip-debug', '--strip-producers', '--strip-target-features'];
execFileSync(bin('wasm-opt'), ['-Oz', '--converge', ...features, ...strip, module, '-o', `${generated}/core.wasm`]);
// wasm2js knows only what the first version of WebAssembly had.
const lower = ['--llvm-nontrapping-fptoint-lowering', '--llvm-memory-copy-fill-lowering', '--signext-lowering'];
execFileSync(bin('wasm-opt'), [...lower, ...features, '-Oz', `${generated}/core.wasm`, '-o', `${generated}/lowered.wasm`]);
execFileSync(bin('wasm2js'), ['-Oz', `${generated}/lowered.wasm`, '-o', `${generated}/core_asm.js`]);

const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
const text = (path) => readFileSync(path);
const short = (bytes) => createHash('sha256').update(bytes).digest('hex').slice(0, 8);
const integrity = (bytes, hash = 'sha384') => `${hash}-${createHash(hash).update(bytes).digest('base64')}`;

/** One file of a page's, with everything in it. */
function bundle(entry, out, define = {}) {
  const values = Object.fromEntries(Object.entries({ VERSION: version, ...define }).map(([name, value]) => [name, JSON.stringify(value)]));
  esbuild.buildSync({
    absWorkingDir: import.meta.dirname,
    entryPoints: [`js/${entry}`],
    outfile: `${dist}/${out}`,
    bundle: true,
    minify: true,
    format: 'iife',
    target: 'es2021',
    legalComments: 'none',
    // Modules are strict as they are, and what is set is set.
    tsconfigRaw: { compilerOptions: { useDefineForClassFields: false } },
    define: values,
  });
  return text(`${dist}/${out}`);
}

// From the inside out: each names the next by its hash, so that caches never mix two builds. Inside the script a shorter
// hash has to do: every visitor downloads it.
copyFileSync(`${generated}/core.wasm`, `${dist}/sentinel.wasm`);
const wasm = text(`${dist}/sentinel.wasm`);
const asm = bundle('asm.ts', 'sentinel-asm.js');
const sdk = bundle('script.ts', 'sentinel-sdk.js', {
  WASM_FILE: `sentinel.wasm?v=${short(wasm)}`,
  ASM_FILE: `sentinel-asm.js?v=${short(asm)}`,
  ASM_INTEGRITY: integrity(asm, 'sha256'),
});
const stub = bundle('stub.ts', 'sentinel.js', { SDK_FILE: `sentinel-sdk.js?v=${short(sdk)}`, SDK_INTEGRITY: integrity(sdk, 'sha256') });

// The package for bundlers: one module, and the fallback in another that is only loaded where it is needed.
esbuild.buildSync({
  absWorkingDir: import.meta.dirname,
  entryPoints: ['js/index.ts', 'js/asm.ts'],
  outdir: dist,
  bundle: true,
  splitting: true,
  chunkNames: '[name]-[hash]',
  minify: true,
  format: 'esm',
  target: 'es2021',
  loader: { '.wasm': 'binary' },
  define: { VERSION: JSON.stringify(version) },
  legalComments: 'none',
});
// All is checked; what users see of it is declared.
execFileSync(bin('tsc'), ['-p', '.'], { stdio: 'inherit' });
for (const name of ['index', 'options']) copyFileSync(`${types}/${name}.d.ts`, `${dist}/${name}.d.ts`);
copyFileSync('js/sentinel.d.ts', `${dist}/sentinel.d.ts`);

const files = { 'sentinel.js': stub, 'sentinel-sdk.js': sdk, 'sentinel.wasm': wasm, 'sentinel-asm.js': asm };
const manifest = {};
for (const [name, bytes] of Object.entries(files)) {
  const gzip = gzipSync(bytes, { level: 9 });
  const brotli = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
  writeFileSync(`${dist}/${name}.br`, brotli);
  manifest[name] = { version: short(bytes), integrity: integrity(bytes), bytes: bytes.length, gzip: gzip.length, brotli: brotli.length };
}
writeFileSync(`${dist}/manifest.json`, JSON.stringify(manifest, null, 2) + '\n');
console.table(manifest, ['bytes', 'gzip', 'brotli']);

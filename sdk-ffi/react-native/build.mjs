// Bundles the package into `dist`; run by `cargo xtask wasm`, after the browser's files, of which the fallback takes one.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import * as esbuild from 'esbuild';

process.chdir(import.meta.dirname);
const dist = 'dist';
const types = 'js/generated';
rmSync(dist, { recursive: true, force: true });
rmSync(types, { recursive: true, force: true });
mkdirSync(dist);

const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
const common = {
  absWorkingDir: import.meta.dirname,
  bundle: true,
  format: 'esm',
  // What Metro compiles again, for whichever engine the application has.
  target: 'es2021',
  outdir: dist,
  define: { VERSION: JSON.stringify(version) },
  legalComments: 'none',
  tsconfigRaw: '{}',
};
// An application's own bundler makes both small.
esbuild.buildSync({ ...common, entryPoints: ['js/index.ts'], external: ['react-native', 'promise', './fallback.js'] });
// The core in it is small already.
esbuild.buildSync({ ...common, entryPoints: ['js/fallback.ts'], inject: ['js/utf8.ts'], minifyWhitespace: true, minifySyntax: true });

// All is checked; what users see of it is declared.
execFileSync('node_modules/.bin/tsc', ['-p', '.'], { stdio: 'inherit' });
copyFileSync(`${types}/sdk-ffi/react-native/js/index.d.ts`, `${dist}/index.d.ts`);
copyFileSync(`${types}/sdk-wasm/js/options.d.ts`, `${dist}/alert.d.ts`);
const options = readFileSync(`${types}/sdk-ffi/react-native/js/options.d.ts`, 'utf8');
writeFileSync(`${dist}/options.d.ts`, options.replaceAll('../../../sdk-wasm/js/options.js', './alert.js'));
rmSync(types, { recursive: true, force: true });

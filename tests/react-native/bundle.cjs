// Bundles an application by Metro as React Native does, for a release, with the package as npm would lay it out.
//
// usage: node bundle.cjs ENTRY OUT
const path = require('node:path');

// Metro's workers load this file too.
if (require.main === module) {
  bundle(...process.argv.slice(2)).catch((trouble) => {
    console.error(trouble);
    process.exit(1);
  });
}

async function bundle(entry, out) {
  const sdk = path.join(__dirname, '../../sdk-ffi/react-native');
  const modules = path.join(sdk, 'node_modules');
  const from = (name) => require(require.resolve(name, { paths: [modules] }));
  const { getDefaultConfig, mergeConfig } = from('@react-native/metro-config');
  const { FileStore } = from('metro-cache');
  const config = mergeConfig(getDefaultConfig(path.dirname(entry)), {
    watchFolders: [path.join(sdk, '../..')],
    maxWorkers: 2,
    reporter: { update() {} },
    cacheStores: [new FileStore({ root: path.join(path.dirname(out), 'cache') })],
    resolver: {
      nodeModulesPaths: [modules],
      extraNodeModules: { '@error-sentinel/react-native': sdk },
      useWatchman: false,
      blockList: [/\/target\/.*/],
    },
  });
  await from('metro').runBuild(await from('metro').loadConfig({}, config), { entry, platform: 'ios', dev: false, minify: false, out });
}

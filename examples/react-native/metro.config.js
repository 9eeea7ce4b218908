const path = require('node:path');
const { getDefaultConfig, mergeConfig } = require('@react-native/metro-config');

// The package lies outside of this folder; one that npm installed needs none of this.
const sdk = path.join(__dirname, '../../sdk-ffi/react-native');
module.exports = mergeConfig(getDefaultConfig(__dirname), {
  watchFolders: [sdk],
  // It has a React Native of its own, for its tests.
  resolver: { disableHierarchicalLookup: true, nodeModulesPaths: [path.join(__dirname, 'node_modules')] },
});

// What React Native's autolinking cannot find by itself.
module.exports = {
  dependency: {
    platforms: {
      android: {
        packageImportPath: 'import io.github.errorsentinel.reactnative.ErrorSentinelPackage;',
        packageInstance: 'new ErrorSentinelPackage()',
      },
    },
  },
};

# Not run yet: there is no machine of Apple's among those that test this.
require 'json'

package = JSON.parse(File.read(File.join(__dir__, 'package.json')))

Pod::Spec.new do |spec|
  spec.name = 'error-sentinel-react-native'
  spec.version = package['version']
  spec.summary = package['description']
  spec.license = package['license']
  spec.homepage = 'https://github.com/error-sentinel/error-sentinel'
  spec.authors = 'Error Sentinel'
  spec.source = { git: 'https://github.com/error-sentinel/error-sentinel.git', tag: "v#{spec.version}" }
  spec.platforms = { ios: '15.1' }
  spec.swift_version = '5.9'

  spec.source_files = 'ios/*.{h,mm,swift}'
  spec.private_header_files = 'ios/*.h'
  # The library in Rust with its header: ios/make-xcframework.sh.
  spec.vendored_frameworks = 'ios/ErrorSentinelCore.xcframework'
  spec.pod_target_xcconfig = { 'DEFINES_MODULE' => 'YES' }

  install_modules_dependencies(spec)
end

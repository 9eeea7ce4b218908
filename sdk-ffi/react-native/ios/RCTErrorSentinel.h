// Not run yet: there is no machine of Apple's among those that test this.
#import <ErrorSentinelSpec/ErrorSentinelSpec.h>

/** The native module on iOS: what JavaScript reports goes to the Swift library, which delivers it. */
@interface RCTErrorSentinel : NSObject <NativeErrorSentinelSpec>
@end

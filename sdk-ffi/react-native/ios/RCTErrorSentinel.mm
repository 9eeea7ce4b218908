// Not run yet: there is no machine of Apple's among those that test this.
#import "RCTErrorSentinel.h"

#import "error_sentinel_react_native-Swift.h"

/** Longest that somebody may wait for everything to leave, in milliseconds. */
static const double kFlushMaxMs = 60000;

@implementation RCTErrorSentinel

+ (NSString *)moduleName {
  return @"ErrorSentinel";
}

+ (BOOL)requiresMainQueueSetup {
  return NO;
}

- (NSString *)start:(NSString *)dsn options:(NSDictionary *)options {
  return [ErrorSentinel startWithDsn:dsn options:options];
}

- (NSNumber *)sendEvent:(NSString *)json {
  return @([ErrorSentinel sendEventWithJson:json]);
}

- (NSNumber *)sendCrash:(NSString *)json {
  return @([ErrorSentinel sendCrashWithJson:json]);
}

- (NSNumber *)addBreadcrumb:(NSString *)json {
  return @([ErrorSentinel addBreadcrumbWithJson:json]);
}

- (NSNumber *)setTag:(NSString *)key value:(NSString *)value {
  return @([ErrorSentinel setTag:key value:value]);
}

- (NSNumber *)setUser:(NSString *)json {
  return @([ErrorSentinel setUserWithJson:json]);
}

- (void)flush:(double)timeoutMs resolve:(RCTPromiseResolveBlock)resolve reject:(RCTPromiseRejectBlock)reject {
  const double waitMs = timeoutMs > 0 ? MIN(timeoutMs, kFlushMaxMs) : 0;
  // JavaScript's thread waits for nothing.
  dispatch_async(dispatch_get_global_queue(QOS_CLASS_UTILITY, 0), ^{
    resolve(@([ErrorSentinel flushWithTimeoutMs:(uint32_t)waitMs]));
  });
}

- (std::shared_ptr<facebook::react::TurboModule>)getTurboModule:(const facebook::react::ObjCTurboModule::InitParams &)params {
  return std::make_shared<facebook::react::NativeErrorSentinelSpecJSI>(params);
}

@end

package io.github.errorsentinel.reactnative

import com.facebook.react.BaseReactPackage
import com.facebook.react.bridge.NativeModule
import com.facebook.react.bridge.ReactApplicationContext
import com.facebook.react.module.model.ReactModuleInfo
import com.facebook.react.module.model.ReactModuleInfoProvider

/** What React Native's autolinking adds to an application. */
public class ErrorSentinelPackage : BaseReactPackage() {
    override fun getModule(name: String, reactContext: ReactApplicationContext): NativeModule? =
        if (name == ErrorSentinelModule.NAME) ErrorSentinelModule(reactContext) else null

    override fun getReactModuleInfoProvider(): ReactModuleInfoProvider = ReactModuleInfoProvider {
        val name = ErrorSentinelModule.NAME
        val isTurboModule = true
        mapOf(name to ReactModuleInfo(name, ErrorSentinelModule::class.java.name, false, false, false, isTurboModule))
    }
}

// What the native module of docs/clients.md uses of React Native.
package com.facebook.react.bridge

import android.content.Context

class ReactApplicationContext : Context()

abstract class ReactContextBaseJavaModule(@Suppress("UNUSED_PARAMETER") context: ReactApplicationContext) {
    abstract fun getName(): String
}

annotation class ReactMethod

interface Promise {
    fun resolve(value: Any?)

    fun reject(code: String, message: String?)
}

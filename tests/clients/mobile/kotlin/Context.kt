// What the examples of docs/clients.md use of Android.
package android.content

open class Context

// Upload with the examples of docs/clients.md: SERVICE TOKEN PATH. The stub prints what it would publish.
import com.facebook.react.bridge.Promise
import com.facebook.react.bridge.ReactApplicationContext
import com.tencent.qcloud.ugckit.module.upload.TXUGCPublishTypeDef.ITXVideoPublishListener
import com.tencent.qcloud.ugckit.module.upload.TXUGCPublishTypeDef.TXPublishResult

object Quiet : ITXVideoPublishListener {
    override fun onPublishProgress(uploadBytes: Long, totalBytes: Long) = Unit

    override fun onPublishComplete(result: TXPublishResult) = Unit
}

object Printed : Promise {
    override fun resolve(value: Any?) = println("resolved $value")

    override fun reject(code: String, message: String?) = println("rejected $code $message")
}

fun main(arguments: Array<String>) {
    val (service, token, path) = arguments
    val context = ReactApplicationContext()
    val first = askForSignature(service, token)
    println("upload ${first.uploadId}")
    upload(context, first, path, Quiet).canclePublish()
    VodPublish(context).publish(path, askForSignature(service, token, first.uploadId).text, Printed)
    try {
        askForSignature(service, "wrong")
    } catch (refused: java.io.IOException) {
        println("refused ${refused.message}")
    }
}

// The interface of TXUGCPublish.java, as far as the examples of docs/clients.md use it.
package com.tencent.qcloud.ugckit.module.upload

import android.content.Context

class TXUGCPublish(@Suppress("UNUSED_PARAMETER") context: Context) {
    private var listener: TXUGCPublishTypeDef.ITXVideoPublishListener? = null

    fun setListener(listener: TXUGCPublishTypeDef.ITXVideoPublishListener) {
        this.listener = listener
    }

    fun publishVideo(param: TXUGCPublishTypeDef.TXPublishParam): Int {
        println("publish ${param.videoPath} ${param.enableResume} ${param.signature}")
        val result = TXUGCPublishTypeDef.TXPublishResult()
        result.videoId = "5001"
        listener?.onPublishComplete(result)
        return 0
    }

    fun canclePublish() = println("paused")
}

// The interface of TXUGCPublishTypeDef.java, as far as the examples of docs/clients.md use it.
package com.tencent.qcloud.ugckit.module.upload

class TXUGCPublishTypeDef {
    class TXPublishParam {
        @JvmField var signature: String? = null
        @JvmField var videoPath: String? = null
        @JvmField var enableResume: Boolean = true
    }

    class TXPublishResult {
        @JvmField var retCode: Int = 0
        @JvmField var descMsg: String? = null
        @JvmField var videoId: String? = null
    }

    interface ITXVideoPublishListener {
        fun onPublishProgress(uploadBytes: Long, totalBytes: Long)

        fun onPublishComplete(result: TXPublishResult)
    }
}

// Made by `make client-types` from the events in docs/openapi.json; SHA-256 ef53f1aeb3e43a2e0952b084c72b4d6c47121ca37db8123349d222e924b248fa

export type paths = Record<string, never>;
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description An event. A type that is not listed here can come: take it as one that you do not handle. By `UnlistedVodEvent` it can be read nevertheless. */
        AppEvent: components["schemas"]["UploadCompleted"] | components["schemas"]["UploadReplayed"] | components["schemas"]["UploadCoverChanged"] | components["schemas"]["UploadExpired"] | components["schemas"]["UploadIntegrity"] | components["schemas"]["UploadRejected"] | components["schemas"]["ProcedureChanged"] | components["schemas"]["ProcedureFinished"] | components["schemas"]["VodEvent"];
        /** @description The file of an upload. */
        CompletedContent: {
            /** @description The upload's id, a ULID. */
            uploadId: string;
            /** @description The user who was allowed to make the upload, as the token names him. */
            uploader: string;
            /** @description The app's own text, from the request for the signature. */
            context: string;
            /** @description Only an event without an uploader has VOD's own context. */
            sourceContext: null;
            /** @description VOD's id of the file. */
            fileId: string | null;
            /**
             * @description What the event is to us.
             * @enum {string}
             */
            verdict: "attributed" | "late";
            /** @description True if all of this event is VOD's own word: pulled, or asked for after a push. False: it is what somebody told who knows the callback's URL. */
            verified: boolean;
            /** @description True if VOD's own event was missed, and this found by asking. */
            reconciled: boolean;
            /** @description Counts the events of one upload from 1; 0 without one. */
            sequence: number;
            /** @description The file's name in VOD. */
            fileName: string;
            /** @description Where the file is. */
            mediaUrl: string | null;
            /** @description Where its cover is. */
            coverUrl: string | null;
            /** @description Its extension. */
            mediaType: string;
            /** @description In bytes, as VOD measured it. */
            size: number | null;
            /** @description In seconds, as VOD measured it. */
            duration: number | null;
            /** @description Where VOD stores it. */
            storageRegion: string | null;
            /** @description VOD's category. */
            classId: number | null;
            /** @description The task flow that the upload started; null if VOD names none. */
            procedureTaskId: string | null;
            /** @description The review that the upload started. */
            reviewTaskId: string | null;
            /** @description How it was uploaded, in VOD's words. */
            sourceType: string;
            /** @description The limits of the upload's policy that the real file exceeds; empty: it is within all. Null: not known, because the upload's record is lost, it is none of ours, or VOD does not say what the file is. */
            breaches: components["schemas"]["LimitViolation"][] | null;
        };
        /** @description A file that is known, with its other cover. */
        CoverChangedContent: {
            /** @description The upload's id, a ULID. */
            uploadId: string;
            /** @description The user who was allowed to make the upload, as the token names him. */
            uploader: string;
            /** @description The app's own text, from the request for the signature. */
            context: string;
            /** @description Only an event without an uploader has VOD's own context. */
            sourceContext: null;
            /** @description VOD's id of the file. */
            fileId: string | null;
            /**
             * @description What the event is to us.
             * @constant
             */
            verdict: "cover_changed";
            /** @description True if all of this event is VOD's own word: pulled, or asked for after a push. False: it is what somebody told who knows the callback's URL. */
            verified: boolean;
            /** @description True if VOD's own event was missed, and this found by asking. */
            reconciled: boolean;
            /** @description Counts the events of one upload from 1; 0 without one. */
            sequence: number;
            /** @description The file's name in VOD. */
            fileName: string;
            /** @description Where the file is. */
            mediaUrl: string | null;
            /** @description Where its cover is. */
            coverUrl: string | null;
            /** @description Its extension. */
            mediaType: string;
            /** @description In bytes, as VOD measured it. */
            size: number | null;
            /** @description In seconds, as VOD measured it. */
            duration: number | null;
            /** @description Where VOD stores it. */
            storageRegion: string | null;
            /** @description VOD's category. */
            classId: number | null;
            /** @description The task flow that the upload started; null if VOD names none. */
            procedureTaskId: string | null;
            /** @description The review that the upload started. */
            reviewTaskId: string | null;
            /** @description How it was uploaded, in VOD's words. */
            sourceType: string;
            /** @description The limits of the upload's policy that the real file exceeds; empty: it is within all. Null: not known, because the upload's record is lost, it is none of ours, or VOD does not say what the file is. */
            breaches: components["schemas"]["LimitViolation"][] | null;
        };
        /** @description What happened, to an upload of ours or without us. */
        EventContent: {
            /** @description The upload's id, a ULID; null for what was made without us. */
            uploadId: string | null;
            /** @description The user who was allowed to make the upload, as the token names him. */
            uploader: string | null;
            /** @description The app's own text, from the request for the signature. */
            context: string | null;
            /** @description What the upload was made with, if not with a signature of ours. */
            sourceContext: string | null;
            /** @description VOD's id of the file. */
            fileId: string | null;
            /**
             * @description What the event is to us.
             * @enum {string}
             */
            verdict: "attributed" | "late" | "replayed" | "cover_changed" | "unattributed";
            /** @description True if all of this event is VOD's own word: pulled, or asked for after a push. False: it is what somebody told who knows the callback's URL. */
            verified: boolean;
            /** @description True if VOD's own event was missed, and this found by asking. */
            reconciled: boolean;
            /** @description Counts the events of one upload from 1; 0 without one. */
            sequence: number;
        };
        /** @description An upload without a file. */
        ExpiredContent: {
            /** @description The upload's id, a ULID. */
            uploadId: string;
            /** @description The user who was allowed to make the upload, as the token names him. */
            uploader: string;
            /** @description The app's own text, from the request for the signature. */
            context: string;
            /** @description Only an event without an uploader has VOD's own context. */
            sourceContext: null;
            /** @description There is no file. */
            fileId: null;
            /**
             * @description What the event is to us.
             * @constant
             */
            verdict: "attributed";
            /** @description True if all of this event is VOD's own word: pulled, or asked for after a push. False: it is what somebody told who knows the callback's URL. */
            verified: boolean;
            /** @description True if VOD's own event was missed, and this found by asking. */
            reconciled: boolean;
            /** @description Counts the events of one upload from 1; 0 without one. */
            sequence: number;
        };
        /** @description A digest of a file's bytes, as it was declared and as VOD has computed it. */
        FileDigest: {
            /**
             * @description The member of the request for the signature.
             * @enum {string}
             */
            algorithm: "md5" | "sha1";
            /** @description What the request declared, in lower-case hex. */
            declared: string;
            /** @description What VOD has computed, in lower-case hex. */
            actual: string;
        };
        /** @description A file that was made without us. */
        ForeignFile: {
            /** @description The upload's id, a ULID; null for what was made without us. */
            uploadId: string | null;
            /** @description The user who was allowed to make the upload, as the token names him. */
            uploader: string | null;
            /** @description The app's own text, from the request for the signature. */
            context: string | null;
            /** @description What the upload was made with, if not with a signature of ours. */
            sourceContext: string | null;
            /** @description VOD's id of the file. */
            fileId: string | null;
            /**
             * @description What the event is to us.
             * @enum {string}
             */
            verdict: "attributed" | "late" | "replayed" | "cover_changed" | "unattributed";
            /** @description True if all of this event is VOD's own word: pulled, or asked for after a push. False: it is what somebody told who knows the callback's URL. */
            verified: boolean;
            /** @description True if VOD's own event was missed, and this found by asking. */
            reconciled: boolean;
            /** @description Counts the events of one upload from 1; 0 without one. */
            sequence: number;
            /** @description The file's name in VOD. */
            fileName: string;
            /** @description Where the file is. */
            mediaUrl: string | null;
            /** @description Where its cover is. */
            coverUrl: string | null;
            /** @description Its extension. */
            mediaType: string;
            /** @description In bytes, as VOD measured it. */
            size: number | null;
            /** @description In seconds, as VOD measured it. */
            duration: number | null;
            /** @description Where VOD stores it. */
            storageRegion: string | null;
            /** @description VOD's category. */
            classId: number | null;
            /** @description The task flow that the upload started; null if VOD names none. */
            procedureTaskId: string | null;
            /** @description The review that the upload started. */
            reviewTaskId: string | null;
            /** @description How it was uploaded, in VOD's words. */
            sourceType: string;
            /** @description The limits of the upload's policy that the real file exceeds; empty: it is within all. Null: not known, because the upload's record is lost, it is none of ours, or VOD does not say what the file is. */
            breaches: components["schemas"]["LimitViolation"][] | null;
        };
        /** @description A task flow of such a file. */
        ForeignProcedure: {
            /** @description The upload's id, a ULID; null for what was made without us. */
            uploadId: string | null;
            /** @description The user who was allowed to make the upload, as the token names him. */
            uploader: string | null;
            /** @description The app's own text, from the request for the signature. */
            context: string | null;
            /** @description What the upload was made with, if not with a signature of ours. */
            sourceContext: string | null;
            /** @description VOD's id of the file. */
            fileId: string | null;
            /**
             * @description What the event is to us.
             * @enum {string}
             */
            verdict: "attributed" | "late" | "replayed" | "cover_changed" | "unattributed";
            /** @description True if all of this event is VOD's own word: pulled, or asked for after a push. False: it is what somebody told who knows the callback's URL. */
            verified: boolean;
            /** @description True if VOD's own event was missed, and this found by asking. */
            reconciled: boolean;
            /** @description Counts the events of one upload from 1; 0 without one. */
            sequence: number;
            /** @description Where the file is. */
            mediaUrl: string | null;
            /** @description The task flow that the upload started; null if VOD names none. */
            procedureTaskId: string | null;
            /** @description The state of the task flow. */
            procedure: components["schemas"]["ProcedureWithMessage"];
        };
        /** @description The comparison of the bytes in VOD with those that were declared. */
        IntegrityContent: {
            /** @description The upload's id, a ULID. */
            uploadId: string;
            /** @description The user who was allowed to make the upload, as the token names him. */
            uploader: string;
            /** @description The app's own text, from the request for the signature. */
            context: string;
            /** @description Only an event without an uploader has VOD's own context. */
            sourceContext: null;
            /** @description VOD's id of the file. */
            fileId: string | null;
            /**
             * @description What the event is to us.
             * @constant
             */
            verdict: "attributed";
            /** @description True if all of this event is VOD's own word: pulled, or asked for after a push. False: it is what somebody told who knows the callback's URL. */
            verified: boolean;
            /** @description True if VOD's own event was missed, and this found by asking. */
            reconciled: boolean;
            /** @description Counts the events of one upload from 1; 0 without one. */
            sequence: number;
            /**
             * @description `match`: all digests are equal.
             * @enum {string}
             */
            outcome: "match" | "mismatch";
            /** @description Each digest that was declared and that VOD computes. */
            digests: components["schemas"]["FileDigest"][];
        };
        /** @description One limit that a file exceeds. */
        LimitViolation: {
            /**
             * @description Its name in the policy.
             * @enum {string}
             */
            limit: "maxFileSize" | "maxDuration" | "fileTypes";
            /** @description What the policy says: bytes, seconds or extensions. */
            allowed: number | string[];
            /** @description What VOD says: bytes, seconds or the extension. */
            actual: number | string;
        };
        /** @description A task flow has moved, and is not at its end. */
        ProcedureChanged: {
            /** @description The version of this schema; the header `webhook-specversion` has it too. The second number grows with each new type or member: take members that you do not know as not there. */
            specversion: string;
            /** @description The same for every delivery of one event: do its work once per id. */
            id: string;
            /**
             * @description What kind of thing happened. (enum property replaced by openapi-typescript)
             * @enum {string}
             */
            type: "procedure.changed";
            /**
             * Format: date-time
             * @description When we received it.
             */
            timestamp: string;
            /**
             * Format: date-time
             * @description When it happened, by VOD's clock: a file was made, a task flow last changed. Null if VOD does not say.
             */
            occurredAt: string | null;
            /** @description What happened. */
            data: components["schemas"]["ProcedureContent"];
            /** @description The event in VOD's words, without `Sign`, `T` and `EventHandle`. As it came, or, if it was pushed and is verified, as VOD answered when it was asked about it. Null with APP_WEBHOOK_RAW=off, and where the body would have more than 1,048,576 bytes. */
            raw: {
                [key: string]: unknown;
            } | null;
            /**
             * @description There if the body would be too large even without `raw`. Its texts are then cut to 500 characters, its lists to 12 items.
             * @constant
             */
            truncated?: true;
        };
        /** @description The task flow of an upload. */
        ProcedureContent: {
            /** @description The upload's id, a ULID. */
            uploadId: string;
            /** @description The user who was allowed to make the upload, as the token names him. */
            uploader: string;
            /** @description The app's own text, from the request for the signature. */
            context: string;
            /** @description Only an event without an uploader has VOD's own context. */
            sourceContext: null;
            /** @description VOD's id of the file. */
            fileId: string | null;
            /**
             * @description What the event is to us.
             * @enum {string}
             */
            verdict: "attributed" | "late" | "replayed";
            /** @description True if all of this event is VOD's own word: pulled, or asked for after a push. False: it is what somebody told who knows the callback's URL. */
            verified: boolean;
            /** @description True if VOD's own event was missed, and this found by asking. */
            reconciled: boolean;
            /** @description Counts the events of one upload from 1; 0 without one. */
            sequence: number;
            /** @description Where the file is. */
            mediaUrl: string | null;
            /** @description The task flow that the upload started; null if VOD names none. */
            procedureTaskId: string | null;
            /** @description The state of the task flow. */
            procedure: components["schemas"]["ProcedureWithMessage"];
        };
        /** @description A task flow is at its end. */
        ProcedureFinished: {
            /** @description The version of this schema; the header `webhook-specversion` has it too. The second number grows with each new type or member: take members that you do not know as not there. */
            specversion: string;
            /** @description The same for every delivery of one event: do its work once per id. */
            id: string;
            /**
             * @description What kind of thing happened. (enum property replaced by openapi-typescript)
             * @enum {string}
             */
            type: "procedure.finished";
            /**
             * Format: date-time
             * @description When we received it.
             */
            timestamp: string;
            /**
             * Format: date-time
             * @description When it happened, by VOD's clock: a file was made, a task flow last changed. Null if VOD does not say.
             */
            occurredAt: string | null;
            /** @description What happened. */
            data: components["schemas"]["ProcedureContent"];
            /** @description The event in VOD's words, without `Sign`, `T` and `EventHandle`. As it came, or, if it was pushed and is verified, as VOD answered when it was asked about it. Null with APP_WEBHOOK_RAW=off, and where the body would have more than 1,048,576 bytes. */
            raw: {
                [key: string]: unknown;
            } | null;
            /**
             * @description There if the body would be too large even without `raw`. Its texts are then cut to 500 characters, its lists to 12 items.
             * @constant
             */
            truncated?: true;
        };
        /** @description The state of a task flow. */
        ProcedureWithMessage: {
            /** @description `PROCESSING`, `FINISH`, or `ABORTED` if somebody ended it. */
            status: string;
            /** @description True if the task flow is finished and none of its subtasks failed. */
            succeeded: boolean;
            /** @description Each subtask with its own outcome. */
            subtasks: components["schemas"]["Subtask"][];
            /** @description VOD's sentence about the whole. */
            message: string;
        };
        /** @description A file beyond its policy, and what was done with it. */
        RejectedContent: {
            /** @description The upload's id, a ULID. */
            uploadId: string;
            /** @description The user who was allowed to make the upload, as the token names him. */
            uploader: string;
            /** @description The app's own text, from the request for the signature. */
            context: string;
            /** @description Only an event without an uploader has VOD's own context. */
            sourceContext: null;
            /** @description VOD's id of the file. */
            fileId: string;
            /**
             * @description What the event is to us.
             * @enum {string}
             */
            verdict: "attributed" | "late" | "replayed";
            /** @description True if all of this event is VOD's own word: pulled, or asked for after a push. False: it is what somebody told who knows the callback's URL. */
            verified: boolean;
            /** @description True if VOD's own event was missed, and this found by asking. */
            reconciled: boolean;
            /** @description Counts the events of one upload from 1; 0 without one. */
            sequence: number;
            /**
             * @description What was done: VOD answers 403 for all its addresses, after five to ten minutes; or it is no more. `none`: it should have been forbidden, and VOD cannot.
             * @enum {string}
             */
            action: "forbidden" | "deleted" | "none";
            /** @description Why nothing was done; null if something was. `storageClass`: VOD forbids files of standard and infrequent access storage alone. */
            reason: string | null;
            /** @description The limits of the upload's policy that the file exceeds, as VOD measured it just before. */
            breaches: components["schemas"]["LimitViolation"][];
        };
        /** @description A further file of an upload. */
        ReplayedContent: {
            /** @description The upload's id, a ULID. */
            uploadId: string;
            /** @description The user who was allowed to make the upload, as the token names him. */
            uploader: string;
            /** @description The app's own text, from the request for the signature. */
            context: string;
            /** @description Only an event without an uploader has VOD's own context. */
            sourceContext: null;
            /** @description VOD's id of the file. */
            fileId: string | null;
            /**
             * @description What the event is to us.
             * @constant
             */
            verdict: "replayed";
            /** @description True if all of this event is VOD's own word: pulled, or asked for after a push. False: it is what somebody told who knows the callback's URL. */
            verified: boolean;
            /** @description True if VOD's own event was missed, and this found by asking. */
            reconciled: boolean;
            /** @description Counts the events of one upload from 1; 0 without one. */
            sequence: number;
            /** @description The file's name in VOD. */
            fileName: string;
            /** @description Where the file is. */
            mediaUrl: string | null;
            /** @description Where its cover is. */
            coverUrl: string | null;
            /** @description Its extension. */
            mediaType: string;
            /** @description In bytes, as VOD measured it. */
            size: number | null;
            /** @description In seconds, as VOD measured it. */
            duration: number | null;
            /** @description Where VOD stores it. */
            storageRegion: string | null;
            /** @description VOD's category. */
            classId: number | null;
            /** @description The task flow that the upload started; null if VOD names none. */
            procedureTaskId: string | null;
            /** @description The review that the upload started. */
            reviewTaskId: string | null;
            /** @description How it was uploaded, in VOD's words. */
            sourceType: string;
            /** @description The limits of the upload's policy that the real file exceeds; empty: it is within all. Null: not known, because the upload's record is lost, it is none of ours, or VOD does not say what the file is. */
            breaches: components["schemas"]["LimitViolation"][] | null;
        };
        /** @description One subtask of a task flow; the words are VOD's. */
        Subtask: {
            /** @description Such as `Transcode` or `CoverBySnapshot`. */
            kind: string;
            /** @description The template it was made with. */
            definition: number | null;
            /** @description `PROCESSING`, `SUCCESS` or `FAIL`. */
            status: string;
            /** @description From 0 to 100. */
            progress: number | null;
            /** @description VOD's code for what went wrong. */
            error: string | null;
            /** @description VOD's sentence about it. */
            message: string;
            /** @description True if VOD failed, and the task may succeed with the same file; false if file or template are wrong. Null: it has not failed, or VOD does not say. */
            retriable: boolean | null;
            /** @description What it made; first what a player wants: the playlist, the file, the cover. */
            urls: string[];
        };
        /** @description VOD has the file. */
        UploadCompleted: {
            /** @description The version of this schema; the header `webhook-specversion` has it too. The second number grows with each new type or member: take members that you do not know as not there. */
            specversion: string;
            /** @description The same for every delivery of one event: do its work once per id. */
            id: string;
            /**
             * @description What kind of thing happened. (enum property replaced by openapi-typescript)
             * @enum {string}
             */
            type: "upload.completed";
            /**
             * Format: date-time
             * @description When we received it.
             */
            timestamp: string;
            /**
             * Format: date-time
             * @description When it happened, by VOD's clock: a file was made, a task flow last changed. Null if VOD does not say.
             */
            occurredAt: string | null;
            /** @description What happened. */
            data: components["schemas"]["CompletedContent"];
            /** @description The event in VOD's words, without `Sign`, `T` and `EventHandle`. As it came, or, if it was pushed and is verified, as VOD answered when it was asked about it. Null with APP_WEBHOOK_RAW=off, and where the body would have more than 1,048,576 bytes. */
            raw: {
                [key: string]: unknown;
            } | null;
            /**
             * @description There if the body would be too large even without `raw`. Its texts are then cut to 500 characters, its lists to 12 items.
             * @constant
             */
            truncated?: true;
        };
        /** @description VOD tells of another cover of a file that the app knows, whoever changed it. */
        UploadCoverChanged: {
            /** @description The version of this schema; the header `webhook-specversion` has it too. The second number grows with each new type or member: take members that you do not know as not there. */
            specversion: string;
            /** @description The same for every delivery of one event: do its work once per id. */
            id: string;
            /**
             * @description What kind of thing happened. (enum property replaced by openapi-typescript)
             * @enum {string}
             */
            type: "upload.cover_changed";
            /**
             * Format: date-time
             * @description When we received it.
             */
            timestamp: string;
            /**
             * Format: date-time
             * @description When it happened, by VOD's clock: a file was made, a task flow last changed. Null if VOD does not say.
             */
            occurredAt: string | null;
            /** @description What happened. */
            data: components["schemas"]["CoverChangedContent"];
            /** @description The event in VOD's words, without `Sign`, `T` and `EventHandle`. As it came, or, if it was pushed and is verified, as VOD answered when it was asked about it. Null with APP_WEBHOOK_RAW=off, and where the body would have more than 1,048,576 bytes. */
            raw: {
                [key: string]: unknown;
            } | null;
            /**
             * @description There if the body would be too large even without `raw`. Its texts are then cut to 500 characters, its lists to 12 items.
             * @constant
             */
            truncated?: true;
        };
        /** @description Nothing was uploaded until the upload's end. */
        UploadExpired: {
            /** @description The version of this schema; the header `webhook-specversion` has it too. The second number grows with each new type or member: take members that you do not know as not there. */
            specversion: string;
            /** @description The same for every delivery of one event: do its work once per id. */
            id: string;
            /**
             * @description What kind of thing happened. (enum property replaced by openapi-typescript)
             * @enum {string}
             */
            type: "upload.expired";
            /**
             * Format: date-time
             * @description When we received it.
             */
            timestamp: string;
            /**
             * Format: date-time
             * @description When it happened, by VOD's clock: a file was made, a task flow last changed. Null if VOD does not say.
             */
            occurredAt: string | null;
            /** @description What happened. */
            data: components["schemas"]["ExpiredContent"];
            /** @description The event in VOD's words, without `Sign`, `T` and `EventHandle`. As it came, or, if it was pushed and is verified, as VOD answered when it was asked about it. Null with APP_WEBHOOK_RAW=off, and where the body would have more than 1,048,576 bytes. */
            raw: {
                [key: string]: unknown;
            } | null;
            /**
             * @description There if the body would be too large even without `raw`. Its texts are then cut to 500 characters, its lists to 12 items.
             * @constant
             */
            truncated?: true;
        };
        /** @description VOD has computed digests of the file, of which the request for the signature declared some. */
        UploadIntegrity: {
            /** @description The version of this schema; the header `webhook-specversion` has it too. The second number grows with each new type or member: take members that you do not know as not there. */
            specversion: string;
            /** @description The same for every delivery of one event: do its work once per id. */
            id: string;
            /**
             * @description What kind of thing happened. (enum property replaced by openapi-typescript)
             * @enum {string}
             */
            type: "upload.integrity";
            /**
             * Format: date-time
             * @description When we received it.
             */
            timestamp: string;
            /**
             * Format: date-time
             * @description When it happened, by VOD's clock: a file was made, a task flow last changed. Null if VOD does not say.
             */
            occurredAt: string | null;
            /** @description What happened. */
            data: components["schemas"]["IntegrityContent"];
            /** @description The event in VOD's words, without `Sign`, `T` and `EventHandle`. As it came, or, if it was pushed and is verified, as VOD answered when it was asked about it. Null with APP_WEBHOOK_RAW=off, and where the body would have more than 1,048,576 bytes. */
            raw: {
                [key: string]: unknown;
            } | null;
            /**
             * @description There if the body would be too large even without `raw`. Its texts are then cut to 500 characters, its lists to 12 items.
             * @constant
             */
            truncated?: true;
        };
        /** @description A file is beyond its policy, and was forbidden or deleted as that says (`onViolation`). */
        UploadRejected: {
            /** @description The version of this schema; the header `webhook-specversion` has it too. The second number grows with each new type or member: take members that you do not know as not there. */
            specversion: string;
            /** @description The same for every delivery of one event: do its work once per id. */
            id: string;
            /**
             * @description What kind of thing happened. (enum property replaced by openapi-typescript)
             * @enum {string}
             */
            type: "upload.rejected";
            /**
             * Format: date-time
             * @description When we received it.
             */
            timestamp: string;
            /**
             * Format: date-time
             * @description When it happened, by VOD's clock: a file was made, a task flow last changed. Null if VOD does not say.
             */
            occurredAt: string | null;
            /** @description What happened. */
            data: components["schemas"]["RejectedContent"];
            /** @description The event in VOD's words, without `Sign`, `T` and `EventHandle`. As it came, or, if it was pushed and is verified, as VOD answered when it was asked about it. Null with APP_WEBHOOK_RAW=off, and where the body would have more than 1,048,576 bytes. */
            raw: {
                [key: string]: unknown;
            } | null;
            /**
             * @description There if the body would be too large even without `raw`. Its texts are then cut to 500 characters, its lists to 12 items.
             * @constant
             */
            truncated?: true;
        };
        /** @description Another file came under an upload that has one, by a further signature of it. */
        UploadReplayed: {
            /** @description The version of this schema; the header `webhook-specversion` has it too. The second number grows with each new type or member: take members that you do not know as not there. */
            specversion: string;
            /** @description The same for every delivery of one event: do its work once per id. */
            id: string;
            /**
             * @description What kind of thing happened. (enum property replaced by openapi-typescript)
             * @enum {string}
             */
            type: "upload.replayed";
            /**
             * Format: date-time
             * @description When we received it.
             */
            timestamp: string;
            /**
             * Format: date-time
             * @description When it happened, by VOD's clock: a file was made, a task flow last changed. Null if VOD does not say.
             */
            occurredAt: string | null;
            /** @description What happened. */
            data: components["schemas"]["ReplayedContent"];
            /** @description The event in VOD's words, without `Sign`, `T` and `EventHandle`. As it came, or, if it was pushed and is verified, as VOD answered when it was asked about it. Null with APP_WEBHOOK_RAW=off, and where the body would have more than 1,048,576 bytes. */
            raw: {
                [key: string]: unknown;
            } | null;
            /**
             * @description There if the body would be too large even without `raw`. Its texts are then cut to 500 characters, its lists to 12 items.
             * @constant
             */
            truncated?: true;
        };
        /** @description Everything else VOD says, as `vod.` and VOD's own event type. What was made without us, and tasks of other kinds. `raw` has it whole. */
        VodEvent: {
            /** @description The version of this schema; the header `webhook-specversion` has it too. The second number grows with each new type or member: take members that you do not know as not there. */
            specversion: string;
            /** @description The same for every delivery of one event: do its work once per id. */
            id: string;
            /**
             * @description What kind of thing happened. (enum property replaced by openapi-typescript)
             * @enum {string}
             */
            type: "vod.AigcHunyuan3DTaskComplete" | "vod.AigcImageTaskComplete" | "vod.AigcVideoTaskComplete" | "vod.ClipComplete" | "vod.ComplexAdaptiveDynamicStreamingComplete" | "vod.ComposeMediaComplete" | "vod.ConcatComplete" | "vod.CreateAigcAdvancedCustomElementCompleteEvent" | "vod.CreateAigcCustomVoiceCompleteEvent" | "vod.CreateImageSpriteComplete" | "vod.CreateSnapshotByTimeOffsetComplete" | "vod.DescribeAigcFaceInfoAsyncComplete" | "vod.DescribeFileAttributesComplete" | "vod.EditMediaComplete" | "vod.ExtractBlindWatermarkComplete" | "vod.ExtractCopyRightWatermarkComplete" | "vod.ExtractTraceWatermarkComplete" | "vod.FileDeleted" | "vod.MediaCastStatusChanged" | "vod.NewFileUpload" | "vod.PersistenceComplete" | "vod.ProcedureStateChanged" | "vod.ProcessImageAsyncCompleteEvent" | "vod.ProcessMediaByMPSComplete" | "vod.PullComplete" | "vod.QualityEnhanceComplete" | "vod.QualityInspectComplete" | "vod.RebuildMediaComplete" | "vod.RemoveWatermark" | "vod.RestoreMediaComplete" | "vod.ReviewAudioVideoComplete" | "vod.SceneAigcImageCompleteEvent" | "vod.SplitMediaComplete" | "vod.TranscodeComplete" | "vod.Unknown" | "vod.WechatMiniProgramPublishComplete" | "vod.WechatPublishComplete";
            /**
             * Format: date-time
             * @description When we received it.
             */
            timestamp: string;
            /**
             * Format: date-time
             * @description When it happened, by VOD's clock: a file was made, a task flow last changed. Null if VOD does not say.
             */
            occurredAt: string | null;
            /** @description What happened. */
            data: components["schemas"]["ForeignFile"] | components["schemas"]["ForeignProcedure"] | components["schemas"]["EventContent"];
            /** @description The event in VOD's words, without `Sign`, `T` and `EventHandle`. As it came, or, if it was pushed and is verified, as VOD answered when it was asked about it. Null with APP_WEBHOOK_RAW=off, and where the body would have more than 1,048,576 bytes. */
            raw: {
                [key: string]: unknown;
            } | null;
            /**
             * @description There if the body would be too large even without `raw`. Its texts are then cut to 500 characters, its lists to 12 items.
             * @constant
             */
            truncated?: true;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;

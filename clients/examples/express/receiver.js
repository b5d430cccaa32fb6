// Receive events with Express: WEBHOOK_SECRET=whsec_… PORT=3000 node receiver.js

import express from "express";
import { EventVerifier, VerificationError } from "vod-upload-events";

const events = new EventVerifier(process.env.WEBHOOK_SECRET);
const done = new Set(); // in your database: a unique column
const app = express();

// The bytes of the body, with more room than Express gives by default; before any express.json().
app.post("/webhook", express.raw({ type: "application/json", limit: "2mb" }), (request, response) => {
  let event;
  try {
    event = events.verify(request.body, request.headers);
  } catch (error) {
    if (error instanceof VerificationError) return response.sendStatus(401);
    throw error;
  }
  if (!done.has(event.id)) {
    done.add(event.id);
    console.log(event.type, event.data.uploader, event.data.context, event.data.verified);
  }
  response.sendStatus(204);
});

app.listen(process.env.PORT ?? 3000);

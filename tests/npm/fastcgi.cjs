// Asks a FastCGI application with the client fastcgi-client, all requests at once: as the application says that it takes
// many on one connection, they go over one. Reads {socket, requests: [{params, body}]}, prints {multiplexed, answers:
// [{stdout, stderr, status}]} with bytes as base64. node fastcgi.cjs < QUESTIONS

"use strict";

const fs = require("node:fs");
const net = require("node:net");
const createClient = require("fastcgi-client");

// The client fails where a piece of the stream ends within the eight bytes that begin a record, though a stream may be cut
// anywhere (a busy machine cuts it there). So it is given whole records.
const connect = net.createConnection;
net.createConnection = (...given) => {
  const socket = connect(...given);
  const on = socket.on.bind(socket);
  socket.on = (event, listener) => on(event, event === "data" ? wholeRecords(listener) : listener);
  return socket;
};

function wholeRecords(listener) {
  let kept = Buffer.alloc(0);
  return (piece) => {
    kept = Buffer.concat([kept, piece]);
    let end = 0;
    while (kept.length >= end + 8) {
      const next = end + 8 + kept.readUInt16BE(end + 4) + kept[end + 6];
      if (next > kept.length) break;
      end = next;
    }
    if (end > 0) listener(kept.subarray(0, end));
    kept = kept.subarray(end);
  };
}

const { socket, requests } = JSON.parse(fs.readFileSync(0, "utf8"));
const client = createClient({ sockFile: socket });

function read(stream) {
  return new Promise((resolve) => {
    const pieces = [];
    stream.on("data", (piece) => pieces.push(Buffer.from(piece)));
    stream.on("end", () => resolve(Buffer.concat(pieces).toString("base64")));
  });
}

function ask({ params, body }) {
  return new Promise((resolve, reject) => {
    client.request(params, async (error, request) => {
      if (error) return reject(error);
      request.stdin.end(Buffer.from(body, "base64"));
      const [stdout, stderr] = await Promise.all([read(request.stdout), read(request.stderr)]);
      return resolve({ stdout, stderr, status: request.getExitStatus() });
    });
  });
}

client.on("error", (error) => {
  throw error;
});
client.on("ready", async () => {
  const answers = await Promise.all(requests.map(ask));
  console.log(JSON.stringify({ multiplexed: client._mpxsConns, answers }));
});

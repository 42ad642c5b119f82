// Asks a FastCGI application with the client fastcgi-client, all requests at once: as the application says that it takes
// many on one connection, they go over one. Reads {socket, requests: [{params, body}]}, prints {multiplexed, answers:
// [{stdout, stderr, status}]} with bytes as base64. node fastcgi.cjs < QUESTIONS

"use strict";

const fs = require("node:fs");
const createClient = require("fastcgi-client");

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

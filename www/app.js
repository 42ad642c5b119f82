// Shows the latest posts. Text only ever becomes text.

import { get, userLink } from "./api.js";

const state = document.getElementById("state");
const posts = document.getElementById("posts");
const template = document.getElementById("post");

function show(post) {
  const item = template.content.cloneNode(true);
  const author = item.querySelector(".author");
  author.textContent = post.author;
  author.href = userLink(post.author);
  const when = item.querySelector(".when");
  const date = new Date(post.timestamp * 1000);
  when.dateTime = date.toISOString();
  when.textContent = date.toLocaleString();
  const text = item.querySelector(".text");
  text.textContent = post.data;
  text.dir = "auto";
  posts.append(item);
}

try {
  const latest = await get("latest");
  latest.forEach(show);
  state.textContent = latest.length === 0 ? "Nobody has written anything yet." : "";
} catch (error) {
  state.textContent = `The posts could not be loaded: ${error.message}`;
}

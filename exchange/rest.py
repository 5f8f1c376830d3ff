"""The REST side: `GET /products/{product}/trades` as Coinbase Exchange answers it, over plain HTTP/1.1."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import parse_qs, urlsplit

import msgspec

from exchange import wire
from exchange.history import History

MAX_LIMIT = 1_000
IDLE_S = 60.0
MAX_HEAD = 16_384

Reply = tuple[int, dict[str, str], bytes]
_REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed"}
_REASONS |= {429: "Too Many Requests", 500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable"}


def answer(method: str, target: str, histories: Mapping[str, History]) -> Reply:
    """Status, headers and body for one request; no I/O.

    `after` and `before` are trade ids: trades older than `after`, newer than `before`, newest first, at most `limit`
    (1,000 when left out or larger). CB-BEFORE is the newest id of the page, CB-AFTER the oldest: the next older page
    is `after=CB-AFTER`.
    """
    if method != "GET":
        return _refusal(405, "MethodNotAllowed")
    url = urlsplit(target)
    match url.path.split("/"):
        case ["", "products", product, "trades"] if product in histories:
            try:
                given = {name: int(values[-1]) for name, values in parse_qs(url.query, keep_blank_values=True).items()}
            except ValueError:
                return _refusal(400, "limit, after and before are whole numbers")
            limit = min(given.get("limit", MAX_LIMIT), MAX_LIMIT)
            if limit < 1:
                return _refusal(400, f"limit is {limit}: choose 1 to {MAX_LIMIT}")
            page = histories[product].page(limit, given.get("after"), given.get("before"))
            cursors = {"CB-BEFORE": str(page[0].trade_id), "CB-AFTER": str(page[-1].trade_id)} if page else {}
            return 200, cursors, wire.rest_trades(page)
    return _refusal(404, "NotFound")


def _refusal(status: int, message: str) -> Reply:
    return status, {}, msgspec.json.encode({"message": message})


def server(
    histories: Mapping[str, History], refused: Callable[[], int | None] | None = None
) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    """What `asyncio.start_server` calls for each connection; requests on one connection are answered in turn.

    `refused` gives the status with which the next request is refused, None when it is answered.
    """

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), IDLE_S)
                lines = head.decode("latin-1").split("\r\n")
                parts = lines[0].split(" ")
                headers = {
                    name.strip().lower(): value.strip() for name, _, value in (x.partition(":") for x in lines[1:])
                }
                # a body is not read: after it the two sides would not agree where the next request starts
                keep = len(parts) == 3 and headers.get("connection", "").lower() != "close" and not _has_body(headers)
                if (wrong := refused() if refused else None) is not None:
                    status, extra, body = _refusal(wrong, _REASONS[wrong])
                    extra = {"Retry-After": "1"} if wrong == 429 else {}
                elif len(parts) == 3:
                    status, extra, body = answer(parts[0], parts[1], histories)
                else:
                    status, extra, body = _refusal(400, "this is not an HTTP request")
                fields = {
                    "Content-Type": "application/json; charset=utf-8",
                    "Content-Length": str(len(body)),
                    "Connection": "keep-alive" if keep else "close",
                    **extra,
                }
                text = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
                writer.write(f"HTTP/1.1 {status} {_REASONS[status]}\r\n{text}\r\n".encode("latin-1") + body)
                await writer.drain()
                if not keep:
                    return
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError, ConnectionError):
            return  # the client went away, fell silent or sends no HTTP
        finally:
            writer.close()

    return serve


def _has_body(headers: Mapping[str, str]) -> bool:
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers

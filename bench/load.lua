-- wrk's part of bench.load: send one kind of request for BENCH_SECONDS and write the outcome as JSON.
-- $KEY becomes a key that is new in every request, each $NUMBER a random one of a range.

local ffi = require("ffi")
ffi.cdef([[
  typedef struct { long s; long ns; } bench_time;
  int clock_gettime(int clock, bench_time *time);
  int getpid(void);
  int kill(int pid, int signal);
]])

local MONOTONIC, SIGINT, LONG = 1, 2, 600000
local connections, seconds = tonumber(os.getenv("BENCH_CONNECTIONS")), tonumber(os.getenv("BENCH_SECONDS"))
local prefix, body = os.getenv("BENCH_PREFIX"), os.getenv("BENCH_BODY")
local first, last = tonumber(os.getenv("BENCH_FIRST")), tonumber(os.getenv("BENCH_LAST"))
local varies = os.getenv("BENCH_VARIES") == "1"
local headers, count, idle, stop, time = {}, 0, 0, nil, ffi.new("bench_time")
local sender

for name, value in os.getenv("BENCH_HEADERS"):gmatch("([^:\n]+): ([^\n]*)") do headers[name] = value end
wrk.method, wrk.headers = os.getenv("BENCH_METHOD"), headers
if body ~= "" then wrk.body = body end

local function now()
  ffi.C.clock_gettime(MONOTONIC, time)
  return tonumber(time.s) + tonumber(time.ns) / 1e9
end

-- wrk runs `setup` and `done` apart from the sending thread, whose global variables `done` can read.
function setup(thread) sender = thread end

-- wrk breaks off the requests in flight at its end, and nobody could count their charges. So each connection stops
-- sending before, and the last one to receive its answer interrupts wrk.
function delay()
  stop = stop or now() + seconds
  if now() < stop then return 0 end
  idle = idle + 1
  if idle == connections then
    elapsed = now() - stop + seconds
    ffi.C.kill(ffi.C.getpid(), SIGINT)
  end
  return LONG
end

local function number() return tostring(math.random(first, last)) end

if varies then
  math.randomseed(now() * 1000 % 2147483647)
  function request()
    count = count + 1
    local key, sent = prefix .. count, {}
    for name, value in pairs(headers) do sent[name] = tostring(value):gsub("$KEY", key) end
    local path, filled = wrk.path:gsub("$NUMBER", number), body:gsub("$KEY", key):gsub("$NUMBER", number)
    return wrk.format(nil, path, sent, filled)
  end
end

function done(summary, latency)
  local errors = summary.errors
  local sockets = errors.connect + errors.read + errors.write + errors.timeout
  local figures = '{"answers": %d, "refused": %d, "broken": %d, "seconds": %f, "p50": %f, "p99": %f}\n'
  io.write(figures:format(summary.requests, errors.status, sockets, sender:get("elapsed") or 0,
    latency:percentile(50) / 1e6, latency:percentile(99) / 1e6))
end

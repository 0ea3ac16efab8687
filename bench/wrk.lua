-- wrk's part of bench/load.py: posts the pictures in turn and prints what was measured as one line of JSON.

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

-- args[1] is a folder with the files 0 .. args[2] - 1. Requests are made once, so that sending one is a copy.
function init(args)
  requests, turn, failures = {}, 0, {}
  local headers = { ["Content-Type"] = "image/png" }
  for index = 0, tonumber(args[2]) - 1 do
    local file = assert(io.open(args[1] .. "/" .. index, "rb"))
    requests[index] = wrk.format("POST", nil, headers, file:read("*a"))
    file:close()
  end
  count = tonumber(args[2])
end

function request()
  turn = (turn + 1) % count
  return requests[turn]
end

function response(status)
  if status < 200 or status > 299 then
    local name = tostring(status)
    failures[name] = (failures[name] or 0) + 1
  end
end

function done(summary, latency)
  local counts = {}
  for _, thread in ipairs(threads) do
    for status, number in pairs(thread:get("failures")) do
      counts[status] = (counts[status] or 0) + number
    end
  end
  local errors = summary.errors
  local broken = errors.connect + errors.read + errors.write + errors.timeout
  if broken > 0 then
    counts["0"] = broken
  end
  local listed = {}
  for status, number in pairs(counts) do
    table.insert(listed, string.format('"%s": %d', status, number))
  end
  print(string.format(
    '{"requests": %d, "seconds": %f, "p50_ms": %f, "p99_ms": %f, "failures": {%s}}',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    table.concat(listed, ", ")))
end

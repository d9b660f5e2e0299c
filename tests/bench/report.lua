-- Makes wrk print what it counted as a line of JSON, times in microseconds.
done = function(summary, latency)
  local errors = {}
  for _, kind in ipairs({"connect", "read", "write", "timeout", "status"}) do
    table.insert(errors, string.format('"%s": %d', kind, summary.errors[kind]))
  end
  print(string.format('\n{"requests": %d, "microseconds": %d, "p99": %d, "errors": {%s}}',
    summary.requests, summary.duration, latency:percentile(99), table.concat(errors, ", ")))
end

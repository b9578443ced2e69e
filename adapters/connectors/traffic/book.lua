-- The shared state of one connection: its tokens, its places, its vendor's pauses, its circuit breaker.
-- One script, so that each question is answered atomically, by the clock of Redis alone.
--
-- KEYS: the book (hash), the places (holder -> until), the line (ticket -> promised moment).
-- A missing book begins with no tokens: after a loss nobody knows how many calls were made.

local book, places, line = KEYS[1], KEYS[2], KEYS[3]
local op, holder = ARGV[1], ARGV[2]
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000

local FAILURES_TO_OPEN = 5
local FIRST_OPEN, LONGEST_OPEN = 2, 30        -- seconds
local FIRST_HOLD, LONGEST_HOLD = 1, 60       -- seconds, after a refusal without a Retry-After
local LOST_TICKET = 60                       -- seconds after its moment that a place in the line lapses
local LOST_WHERE_FREE = 5                    -- the same where nothing limits the steps: the line only spreads them
local NARROWEST = 0.01                       -- seconds between two promised moments
local MANY = 16                              -- steps at once, where nothing limits them

local names = {'tokens', 'at', 'held', 'open', 'opens', 'failures', 'refusals', 'probe', 'probing', 'cost', 'seconds'}
local stored = redis.call('HMGET', book, unpack(names))
local is = {}
for i, name in ipairs(names) do
  is[name] = name == 'probe' and (stored[i] or '') or (tonumber(stored[i] or '0') or 0)
end

local function write(values)
  local flat = {}
  for name, value in pairs(values) do
    flat[#flat + 1] = name
    flat[#flat + 1] = type(value) == 'number' and string.format('%.6f', value) or value
  end
  redis.call('HSET', book, unpack(flat))
end

local function filled(rate, capacity)
  if is.at == 0 then return 0 end
  return math.min(capacity, is.tokens + math.max(0, now - is.at) * rate)
end

-- May a call begin? ARGV: ticket ('' does not queue), whether it is the first call of its step, tokens a second
-- (0: no limit), capacity, reserve, places (0: no limit), seconds a place is kept, seconds a probe may take, whether
-- it can only queue (its process has no thread for it).
-- Returns what blocks it ('' when nothing does), seconds to wait, whether its end must be reported, and whether all is
-- calm. It is not while a deal waits in the line, since only who asks leaves the line.
local function turn()
  local ticket, first = ARGV[3], ARGV[4] == '1'
  local rate, capacity, reserve = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
  local concurrent, keep, patience = tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10])
  local tokens = filled(rate, capacity)
  local queues = first and ticket ~= ''
  local lost = (rate > 0 or concurrent > 0) and LOST_TICKET or LOST_WHERE_FREE

  local function refuse(why, earliest)
    local at = math.max(now, earliest)
    if ticket ~= '' then
      redis.call('ZREMRANGEBYSCORE', line, '-inf', now - lost)
      -- A ticket that was in the line, or a step that has begun, keeps its place at the head.
      if first and not redis.call('ZSCORE', line, ticket) then
        local last = redis.call('ZREVRANGE', line, 0, 0, 'WITHSCORES')
        local apart = math.max(NARROWEST, is.seconds / (concurrent > 0 and concurrent or MANY))
        if rate > 0 then apart = math.max(apart, is.cost / rate) end
        at = math.max(at, tonumber(last[2] or '0')) + apart
      end
      redis.call('ZADD', line, at, ticket)
    end
    if rate > 0 then write({tokens = tokens, at = now}) end
    return {why, string.format('%.6f', at - now), 0, 0}
  end

  if ARGV[11] == '1' then return refuse('full', now) end
  if is.held > now then return refuse('held', is.held) end
  if is.open > now then return refuse('open', is.open) end
  if is.open > 0 and is.probing > now and is.probe ~= holder then
    return refuse('open', math.min(is.probing, now + 2))
  end
  if concurrent > 0 and not redis.call('ZSCORE', places, holder) then
    redis.call('ZREMRANGEBYSCORE', places, '-inf', now)
    if redis.call('ZCARD', places) >= concurrent then
      return refuse('places', now + is.seconds / concurrent)
    end
  end
  if rate > 0 then
    local needed = 1
    if queues then
      needed = reserve + 1
      redis.call('ZREMRANGEBYSCORE', line, '-inf', now - lost)
      if redis.call('ZCARD', line) > 0 and not redis.call('ZSCORE', line, ticket) then
        return refuse('tokens', now)
      end
    end
    if tokens < needed then return refuse('tokens', now + (needed - tokens) / rate) end
    write({tokens = tokens - 1, at = now})
  end
  if concurrent > 0 then redis.call('ZADD', places, now + keep, holder) end
  if queues then redis.call('ZREM', line, ticket) end
  if is.open > 0 then write({probe = holder, probing = now + patience}) end
  local told = (is.open > 0 or is.failures > 0 or is.refusals > 0) and 1 or 0
  if told == 1 then return {'', '0', 1, 0} end
  redis.call('ZREMRANGEBYSCORE', line, '-inf', now - lost)
  return {'', '0', 0, redis.call('ZCARD', line) == 0 and 1 or 0}
end

-- Record how a call ended. ARGV: 'ok', 'failed' or 'refused'; seconds to hold and calls left, -1 where not stated.
local function report()
  local outcome, hold, left = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
  if outcome == 'ok' then
    write({failures = 0, refusals = 0, open = 0, opens = 0, probe = '', probing = 0})
  elseif outcome == 'failed' then
    if is.open == 0 then
      write({failures = is.failures + 1})
      if is.failures + 1 >= FAILURES_TO_OPEN then
        write({open = now + FIRST_OPEN, opens = 1, probe = '', probing = 0})
      end
    elseif is.probe == holder then
      local pause = math.min(LONGEST_OPEN, FIRST_OPEN * 2 ^ math.min(is.opens, 10))
      write({open = now + pause, opens = is.opens + 1, probe = '', probing = 0})
    end
  elseif outcome == 'refused' then
    -- The vendor answers, so the circuit closes, but nothing more is called for a while.
    write({failures = 0, open = 0, opens = 0, probe = '', probing = 0, refusals = is.refusals + 1})
    if hold < 0 then hold = math.min(LONGEST_HOLD, FIRST_HOLD * 2 ^ math.min(is.refusals, 10)) end
    left = 0
  end
  if hold > 0 then write({held = math.max(is.held, now + hold)}) end
  if left >= 0 and is.tokens > left then write({tokens = left, at = math.max(is.at, now)}) end
  return {'', '0', 0}
end

-- A step is over. ARGV: how many calls it made, seconds it took.
local function leave()
  redis.call('ZREM', places, holder)
  local values = {}
  if is.probe == holder then values = {probe = '', probing = 0} end
  for name, seen in pairs({cost = tonumber(ARGV[3]), seconds = tonumber(ARGV[4])}) do
    values[name] = is[name] == 0 and seen or is[name] * 0.9 + seen * 0.1
  end
  write(values)
  return {'', '0', 0}
end

-- A reading for people: tokens (ARGV: tokens a second, capacity), seconds held, seconds open, failures, times opened,
-- in use, waiting.
local function look()
  local function left(moment) return string.format('%.3f', math.max(0, moment - now)) end
  return {
    string.format('%.3f', filled(tonumber(ARGV[3]), tonumber(ARGV[4]))), left(is.held), left(is.open),
    tostring(is.failures), tostring(is.opens),
    tostring(redis.call('ZCOUNT', places, now, '+inf')), tostring(redis.call('ZCARD', line)),
  }
end

local ops = {turn = turn, report = report, leave = leave, look = look}
return ops[op]()

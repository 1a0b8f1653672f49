if [ "$(cat /data/restored 2>/dev/null)" != "$DATA" ]; then
  rm -rf /data/appendonlydir /data/appendonly.aof /data/dump.rdb
  echo "$DATA" >/data/restored
fi
exec "$@"

#!/usr/bin/env python3
"""Prints idempotency_keys.tsv: the recipe of the deterministic key, computed by Python's hashlib and nothing of ours.

booking-<id>-auto-assign- and the first 12 hex digits of sha256(id|restaurant|party|dateTtime).
"""
import datetime
import hashlib
import random
import uuid

DICE = random.Random(20270501)
EDGES = [
    (uuid.UUID(int=0), uuid.UUID(int=0), 1, "2027-05-01", "00:00:00"),
    (uuid.UUID(int=2**128 - 1), uuid.UUID(int=1), 2147483647, "2028-02-29", "23:59:59"),
    (uuid.UUID(int=1), uuid.UUID(int=2**128 - 1), 0, "0001-01-01", "12:00:00"),
    (uuid.UUID(int=2), uuid.UUID(int=3), -1, "9999-12-31", "09:05:01"),
]


def draw():
    day = datetime.date(2000, 1, 1) + datetime.timedelta(days=DICE.randrange(40000))
    time = "%02d:%02d:%02d" % (DICE.randrange(24), DICE.choice((0, 15, 30, 45, DICE.randrange(60))), DICE.choice((0, 0, 0, 59)))
    ids = [uuid.UUID(int=DICE.getrandbits(128), version=4) for _ in range(2)]
    return ids[0], ids[1], DICE.randrange(1, 24), day.isoformat(), time


print("# booking\trestaurant\tparty\tdate\ttime\tkey; made by idempotency_keys.py")
for booking, restaurant, party, date, time in EDGES + [draw() for _ in range(36)]:
    digest = hashlib.sha256(f"{booking}|{restaurant}|{party}|{date}T{time}".encode()).hexdigest()
    print(booking, restaurant, party, date, time, f"booking-{booking}-auto-assign-{digest[:12]}", sep="\t")

#!/usr/bin/env python3
"""What the whole box costs, on the release binary and over real HTTP: memory, time to the first snapshot, the CPU time
of its own threads, and two hundred viewers of one camera. Each line prints the figure, its target and the ratio, and
the script fails when a target is missed.

`box.py SPOTTER VIEWERS` takes the binary and the viewers' load program (tests/helpers/viewers.rs).
Everything stays on loopback and ends by itself.
"""
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

SPOTTER, VIEWERS = sys.argv[1:3]
OWN = ("spotter", "cap:", "pose:", "jpeg:", "http-", "stream-")
missed = []


def report(what, value, unit, target):
    """Prints a figure that must not be above its target."""
    print(f"{what}: {value:.3g} {unit}, target {target} {unit}, ratio {value / target:.2f}", flush=True)
    if value > target:
        missed.append(what)


class Box:
    """A running box; `config` is TOML."""

    def __init__(self, config):
        self.folder = tempfile.TemporaryDirectory()
        path = os.path.join(self.folder.name, "spotter.toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(config)
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [SPOTTER, "run", "--config", path, "--listen", "127.0.0.1:0", "--data-dir", self.folder.name],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.url = self.process.stdout.readline().split()[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)
        self.folder.cleanup()

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=10) as reply:
            return reply.read()

    def camera(self):
        return json.loads(self.get("api/v1/cameras"))[0]

    def first_snapshot_ms(self):
        while True:
            try:
                self.get("snapshot")
                return (time.monotonic() - self.began) * 1e3
            except urllib.error.HTTPError as why:
                if time.monotonic() - self.began > 30:
                    raise SystemExit(f"no snapshot: {why}") from why
                time.sleep(0.002)

    def resident_mb(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            line = next(line for line in file if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024

    def own_cpu_s(self):
        """CPU seconds of the threads that are ours; GStreamer's, which make the test picture, are not."""
        total = 0
        tasks = f"/proc/{self.process.pid}/task"
        for task in os.listdir(tasks):
            with open(f"{tasks}/{task}/comm", encoding="utf-8") as file:
                name = file.read().strip()
            if name.startswith(OWN):
                with open(f"{tasks}/{task}/schedstat", encoding="ascii") as file:
                    total += int(file.read().split()[0])
        return total / 1e9


    def cpu_s(self):
        """CPU seconds of the whole process, whoever's threads."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            after_name = file.read().rsplit(")", 1)[1].split()
        return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")

    def looked_at(self):
        """Frames that the pose threads have looked at."""
        lines = self.get("metrics").decode().splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith("spotter_frames_inferred_total"))


def camera(source, lines=""):
    return f'[[camera]]\nname = "rack"\nsource = "{source}"\n{lines}\n'


def first_snapshot():
    times = []
    for _ in range(5):
        with Box(camera("demo:")) as box:
            times.append(box.first_snapshot_ms())
    report("first snapshot after exec, demo 720p30, median of 5", statistics.median(times), "ms", 400)


def memory():
    """A model's own memory is its maker's choice: the target is for the box without one."""
    for lines, what, target in (("pose = false", "no model", 40), ("", "the demo's model", 100)):
        with Box(camera("demo:", lines)) as box:
            box.first_snapshot_ms()
            address = box.url[len("http://"):-1]
            subprocess.run([VIEWERS, address, "/stream", "/snapshot", "2", "15"], check=True, stdout=subprocess.DEVNULL)
            report(f"resident memory, one 720p30 camera, two viewers for 15 s, {what}", box.resident_mb(), "MB", target)


def own_threads():
    pipeline = ("gst:videotestsrc is-live=true pattern=ball ! "
                "video/x-raw,format=YUY2,width=1280,height=720,framerate=30/1")
    with Box(camera(pipeline)) as box:
        box.first_snapshot_ms()
        seconds, before = 15, box.own_cpu_s()
        for _ in range(seconds):
            box.get("snapshot")
            time.sleep(1)
        used = (box.own_cpu_s() - before) / seconds * 100
        report("own threads, one 720p30 YUYV camera, one snapshot a second", used, "% of a core", 4)


def demo_athlete():
    with Box(camera("demo:")) as box:
        box.first_snapshot_ms()
        while box.looked_at() < 30:
            time.sleep(0.1)
        begun, cpu_s, looked_at = time.monotonic(), box.cpu_s(), box.looked_at()
        time.sleep(30)
        seconds = time.monotonic() - begun
        cores = (box.cpu_s() - cpu_s) / seconds
        late = 30 - (box.looked_at() - looked_at) / seconds
        report("demo 720p30 with its model: pose frames a second short of 30", late, "fps", 0.5)
        report("the whole box meanwhile, drawing the athlete included", cores, "cores", 1.3)


def two_hundred():
    limits = ("[http]\nstream_viewers = 200\nconnections = 300\nconnections_per_peer = 300\n")
    seconds = 10
    with Box(limits + camera("demo:squat?fps=15")) as box:
        box.first_snapshot_ms()
        address, before = box.url[len("http://"):-1], box.camera()
        out = subprocess.run([VIEWERS, address, "/stream", "/snapshot", "200", str(seconds)], check=True,
                             stdout=subprocess.PIPE, text=True).stdout
        after, load = box.camera(), json.loads(out)
        print("200 viewers:", out.strip(), flush=True)
        frames, encodes = after["frame_id"] - before["frame_id"], after["encodes"] - before["encodes"]
        # The frame that was new when the first figure was read may be encoded after it.
        report("200 viewers: encodes for each frame", (encodes - 1) / frames, "encodes", 1)
        report("200 viewers: snapshot p99 meanwhile", load["snapshot_ms_p99"], "ms", 50)
        report("200 viewers: frames that the slowest is behind the quickest", load["behind_frames"], "frames", 1)
        report("200 viewers: frames that the least served did not get, of 15 a second",
               15 * seconds - load["parts_least"], "frames", 15)


for bench in (first_snapshot, memory, own_threads, demo_athlete, two_hundred):
    bench()
if missed:
    sys.exit("missed: " + "; ".join(missed))

#!/usr/bin/env python3
"""The encoders on real hardware: a machine with a graphics processor of NVIDIA's, or a Jetson.

`real.py SPOTTER [CUDA]` takes the program and, if it is not where it usually is, the folder of CUDA's libraries. It lets every
encoder that the machine has encode a thousand frames of 1280x720 and of 1920x1080, for one camera and for each of two, and a
thousand different ones whose pictures must all be 38 dB or more to the CPU's of the same frame. Then a whole box with two
cameras is looked at through streams, by each encoder in turn: what `auto` takes and why, pictures a second, and what the box costs. Without such hardware it fails.
Everything stays on loopback and ends by itself.
"""
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

SPOTTER = sys.argv[1]
CUDA = sys.argv[2] if len(sys.argv) > 2 else None
FRAMES = int(os.environ.get("SPOTTER_FRAMES", "1000"))
LEAST_DB = 38
SECONDS = 10
CAMERAS = ("one", "two")


def encoders():
    """The names of the hardware's encoders that every picture was right of."""
    cuda = ["--cuda", CUDA] if CUDA else []
    said = subprocess.run([SPOTTER, "bench", "encoders", "--json", "--frames", str(FRAMES), *cuda],
                          check=True, capture_output=True, text=True).stdout
    right = []
    for one in json.loads(said):
        print(f"{one['encoder']}: {one['why']}", flush=True)
        for run in one["runs"]:
            near = "the CPU's picture" if run["psnr_db"] is None else f"{run['psnr_db']:.1f} dB or more to the CPU's"
            print(f"  {run['width']}x{run['height']}, {run['cameras']} at once, {run['frames']} frames each: {run['ms']:.3f} ms a frame, "
                  f"p99 {run['ms_p99']:.3f}, {run['cpu_ms']:.3f} ms of the processor; {near}", flush=True)
            if run["psnr_db"] is not None and run["psnr_db"] < LEAST_DB:
                sys.exit(f"{one['encoder']} is {run['psnr_db']:.1f} dB from the CPU's, {LEAST_DB} are wanted")
        if one["runs"] and one["encoder"] != "cpu":
            right.append(one["encoder"])
    return right


def worked_s(pid):
    """Seconds of processor time of all threads so far."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid):
    """What lies in memory now."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS")) / 1024


def wait_for_pictures(url):
    """Until both cameras have one."""
    give_up = time.monotonic() + 10
    for name in CAMERAS:
        while True:
            try:
                urllib.request.urlopen(f"{url}api/v1/cameras/{name}/snapshot", timeout=10).close()
                break
            except urllib.error.HTTPError as fault:
                if time.monotonic() > give_up:
                    sys.exit(f"{name} has no picture: {fault}")
                time.sleep(0.02)


def pictures(url, until, counts, faults, camera):
    """Counts the pictures of a camera's stream."""
    with urllib.request.urlopen(f"{url}api/v1/cameras/{camera}/stream?fps=30", timeout=10) as stream:
        while time.monotonic() < until:
            line = stream.readline()
            if not line:
                faults.append(f"{camera}: the stream has ended")
                return
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
                while stream.readline().strip():
                    pass
                picture = stream.read(length)
                if picture[:2] != b"\xff\xd8" or picture[-2:] != b"\xff\xd9":
                    faults.append(f"{camera}: the stream has something that is no JPEG")
                    return
                counts[camera] += 1


def end(process):
    """Ends the box, which must take it well."""
    process.terminate()
    try:
        code = process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        sys.exit("the box does not end")
    if code != 0:
        sys.exit(f"the box ended with {code}")


def box(encoder):
    """A box with two cameras and a viewer of each; gives the encoder that it took."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "spotter.toml")
        cameras = "".join(f'[[camera]]\nname = "{name}"\nsource = "demo:squat?size=1280x720&fps=30"\npose = false\n'
                          for name in CAMERAS)
        cuda = f"cuda = {json.dumps(CUDA)}\n" if CUDA else ""
        with open(path, "w", encoding="utf-8") as file:
            file.write(f'{cameras}[jpeg]\nencoder = "{encoder}"\n{cuda}')
        process = subprocess.Popen([SPOTTER, "run", "--config", path, "--listen", "127.0.0.1:0", "--data-dir", folder],
                                   stdout=subprocess.PIPE, text=True, env={**os.environ, "RUST_LOG": "warn"})
        try:
            address = process.stdout.readline().split()
            if len(address) < 2:
                sys.exit("the box does not start")
            url = address[1]
            wait_for_pictures(url)
            counts, faults = dict.fromkeys(CAMERAS, 0), []
            begun, worked = time.monotonic(), worked_s(process.pid)
            viewers = [threading.Thread(target=pictures, args=(url, begun + SECONDS, counts, faults, name)) for name in CAMERAS]
            for viewer in viewers:
                viewer.start()
            for viewer in viewers:
                viewer.join()
            took = time.monotonic() - begun
            cores = (worked_s(process.pid) - worked) / took
            with urllib.request.urlopen(url + "api/v1/state", timeout=10) as reply:
                state = json.load(reply)["cameras"]
            rates = " and ".join(f"{counts[name] / took:.1f}" for name in CAMERAS)
            print(f"a box with encoder = \"{encoder}\" takes {state[0]['encoder']} ({state[0]['encoder_why']}): {rates} pictures a second of "
                  f"1280x720 for a viewer of each of two cameras, {cores:.2f} cores, {memory_mb(process.pid):.0f} MB", flush=True)
            if faults:
                sys.exit("; ".join(faults))
            if min(counts.values()) < SECONDS * 20 or any(camera["encoder"] != state[0]["encoder"] for camera in state):
                sys.exit("that is too few, or the cameras differ")
            return state[0]["encoder"]
        finally:
            end(process)


hardware = encoders()
if not hardware:
    sys.exit("no encoder of this machine's hardware can be used, see above")
taken = box("auto")
if taken != hardware[0]:
    sys.exit(f"auto takes {taken}, not {hardware[0]}")
for name in [*hardware, "cpu"]:
    box(name)
print("ok")

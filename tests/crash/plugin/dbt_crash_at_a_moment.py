"""A dbt plugin that kills its own process: dbt loads every module of that prefix which is on the path.

CRASH_AT is `<event>:<count>:<seconds>:<signal>`: at the count-th event of that name, plus some seconds, the process
gets the signal. It loads before dbt_retry_plus does, so that it hears an event before the journal has it.
"""

import os
import signal
import threading

from dbt.plugins.manager import dbtPlugin
from dbt_common.events.event_manager_client import add_callback_to_manager


class CrashPlugin(dbtPlugin):
    def initialize(self) -> None:
        moment = os.environ.get("CRASH_AT")
        if not moment:
            return
        event, count, seconds, name = moment.split(":")
        number = getattr(signal, name)
        left = [int(count)]

        def die() -> None:
            os.kill(os.getpid(), number)

        def listen(message) -> None:
            if message.info.name != event:
                return
            left[0] -= 1
            if left[0] == 0:
                if float(seconds):
                    threading.Timer(float(seconds), die).start()
                else:
                    die()

        if event == "Start":
            threading.Timer(float(seconds), die).start()
        else:
            add_callback_to_manager(listen)


plugins = [CrashPlugin]

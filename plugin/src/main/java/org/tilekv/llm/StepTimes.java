/*
 * Licensed under the Apache License, Version 2.0 (the "License");
 * you may not use this file except in compliance with the License.
 * You may obtain a copy of the License at
 *
 *     http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
 * See the License for the specific language governing permissions and
 * limitations under the License.
 */
package org.tilekv.llm;

import java.util.concurrent.atomic.LongAdder;
import org.tilekv.OpenedResources;
import org.tilekv.cuda.CudaDevice;
import org.tilekv.cuda.CudaEvent;
import org.tilekv.cuda.CudaStream;

/**
 * Time that a stream is busy with steps, between two events of each. Written by one thread, read by
 * any.
 */
public final class StepTimes implements AutoCloseable {

  private final CudaStream stream;
  private final OpenedResources opened = new OpenedResources();
  private final CudaEvent begin;
  private final CudaEvent end;
  private final LongAdder decodeSteps = new LongAdder();
  private final LongAdder decodeNanos = new LongAdder();
  private final LongAdder otherSteps = new LongAdder();
  private final LongAdder otherNanos = new LongAdder();
  private boolean decode;

  /**
   * What all steps took together.
   *
   * @param decodeSteps steps that replayed a graph, one token per row
   * @param decodeNanos nanoseconds that the device was busy with these
   * @param otherSteps all other steps
   * @param otherNanos nanoseconds that the device was busy with those
   */
  public record Totals(long decodeSteps, long decodeNanos, long otherSteps, long otherNanos) {}

  StepTimes(CudaDevice device, CudaStream stream) {
    this.stream = stream;
    try {
      begin = opened.add(device.createEvent(true));
      end = opened.add(device.createEvent(true));
    } catch (Throwable failure) {
      opened.closeAfter(failure);
      throw failure;
    }
  }

  void begin(boolean decodeStep) {
    decode = decodeStep;
    stream.record(begin);
  }

  void end() {
    stream.record(end);
  }

  /** Counts a step whose work is done. */
  void add() {
    long nanos = (long) (end.elapsedMs(begin) * 1e6);
    (decode ? decodeSteps : otherSteps).increment();
    (decode ? decodeNanos : otherNanos).add(nanos);
  }

  Totals totals() {
    return new Totals(decodeSteps.sum(), decodeNanos.sum(), otherSteps.sum(), otherNanos.sum());
  }

  @Override
  public void close() {
    opened.close();
  }
}

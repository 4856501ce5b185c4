package fpm.edge.bench;

import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** How many times longer one thing takes than another that was done by turns with it, in each iteration. */
@AuxCounters(AuxCounters.Type.EVENTS)
@State(Scope.Thread)
public class Ratio {
    private long one;
    private long other;

    @Setup(Level.Iteration)
    public void begin() {
        one = 0;
        other = 0;
    }

    void add(long nanosecondsOfOne, long nanosecondsOfOther) {
        one += nanosecondsOfOne;
        other += nanosecondsOfOther;
    }

    /** The metric that JMH reports. */
    public double ratio() {
        return (double) one / other;
    }
}

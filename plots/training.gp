# Accuracy while a network is trained, one line per curve of `faascast train`.
# series, name[1..series]: the curves.
# Columns: series, iteration, train_accuracy (means of equally many iterations), validation_accuracy.

stats data using "iteration" name "X" nooutput
set xlabel "outer iterations"
set ylabel "accuracy (share of query images, %)"
set xrange [0 : X_max > 0 ? X_max*1.02 : 1]
set yrange [0 : 102]
mine(i, accuracy) = int(column("series")) == i ? 100*accuracy : NaN

plot for [i=1:series] data using "iteration":(mine(i, column("train_accuracy"))) with lines ls i lw 0.7 dt 1 notitle, \
     for [i=1:series] data using "iteration":(mine(i, column("validation_accuracy"))) with linespoints ls i title name[i]
unset output

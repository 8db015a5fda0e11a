# Dollars over days for a model that is trained again and again: functions, a machine that is always on,
# a machine that is started for each training.
# Columns: day, functions_usd, on_demand_usd, always_on_usd. functions, on_demand, always_on: their names.

set xlabel "time (days)"
set ylabel "cost so far (USD)"
stats data using "day" name "X" nooutput
set xrange [0 : X_max*1.02]
set yrange [0 : *]
set key maxcols 1
plot data using "day":"always_on_usd" with lines ls 5 title always_on, \
     data using "day":"on_demand_usd" with steps ls 2 title on_demand, \
     data using "day":"functions_usd" with steps ls 1 title functions
unset output

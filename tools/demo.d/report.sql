-- In each region, the ten customers who spent most.
WITH spent AS (
	SELECT region, customer, count(*) AS sales, sum(cents) AS cents
	FROM sales GROUP BY region, customer
), ranked AS (
	SELECT *, rank() OVER (PARTITION BY region ORDER BY cents DESC) AS place
	FROM spent
)
SELECT region, place, customer, sales, printf('%.2f', cents / 100.0)
FROM ranked WHERE place <= 10 ORDER BY region, place, customer;

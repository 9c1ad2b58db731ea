select campaign
from marts.campaigns
order by created_at desc, campaign

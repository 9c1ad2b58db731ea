-- How far a segment's mean lies from the portfolio's, with the features' names in the language in use.
select
    segment_profiles.segment_name,
    coalesce(words.text, contrasts.feature) as feature,
    contrasts.segment_mean,
    contrasts.portfolio_mean,
    contrasts.z_contrast
from marts.segment_feature_contrasts as contrasts
inner join marts.segment_profiles
    on contrasts.segment_id = segment_profiles.segment_id
left join marts.words
    on words.key = 'feature.' || contrasts.feature
where
    1 = 1
    [[and segment_profiles.segment_name = {{segment}}]]
    [[and abs(contrasts.z_contrast) >= {{least_contrast}}]]
order by segment_profiles.segment_id, abs(contrasts.z_contrast) desc, contrasts.feature
